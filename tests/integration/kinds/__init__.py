"""Tasks on real data of scikit-learn, one for each kind of label other than classes."""
