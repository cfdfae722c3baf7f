"""The command line: what each verb takes (`verbs`), what it does (`commands`), and what those share."""
