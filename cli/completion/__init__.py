"""Shell completion: a script for bash or zsh, made from the parser of the command line."""
