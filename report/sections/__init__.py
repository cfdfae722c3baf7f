"""The content of each section of the page, as values that its template only has to write."""
