"""What counting gives: multinomial naive Bayes over the runs of characters that a sentence has.

It sees the same characters as the transformers, and learns in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limbeck.tasks.languages.preprocessing import LENGTH
from limbeck.tasks.languages.selection import Sentence

# Chosen on the validation split, among 0.01 and 0.1.
_SMOOTHING = 0.01
_LONGEST = (1, 2, 4)


def accuracies(divided: Mapping[str, Sequence[Sentence]], longest: int) -> dict[str, float]:
    """Learns from the training split. Returns the share of right answers in validation and test.

    Args:
      divided: the sentences of each split.
      longest: runs of 1 to so many characters are counted, within words; those of one sentence alone are not.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    counter = CountVectorizer(analyzer="char_wb", ngram_range=(1, longest), min_df=2)
    texts = {split: [one.text[: LENGTH - 1] for one in some] for split, some in divided.items()}
    labels = {split: [one.language for one in some] for split, some in divided.items()}
    model = MultinomialNB(alpha=_SMOOTHING).fit(counter.fit_transform(texts["train"]), labels["train"])
    return {
        split: float(model.score(counter.transform(texts[split]), labels[split]))
        for split in ("validation", "test")
    }


def lines(divided: Mapping[str, Sequence[Sentence]]) -> list[str]:
    """Returns the lines of a table with what counting gives on the test split."""
    return [
        "| counting | accuracy, test |",
        "| --- | ---: |",
        *(
            f"| naive Bayes, 1 to {longest} characters | {accuracies(divided, longest)['test']:.4f} |"
            for longest in _LONGEST
        ),
    ]
