"""Evidence for what this project claims, by programs that anyone can run again."""
