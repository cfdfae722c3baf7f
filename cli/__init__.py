"""The command line: the arguments of each verb (`verbs`), the code that it runs (`commands`), and shared code."""
