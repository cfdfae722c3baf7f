"""What each section of the page says, as values that its template only has to write."""
