"""How fast does ExampleGen read CSV, beside the stock CsvExampleGen?"""
