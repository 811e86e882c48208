"""What is kept how long, what is forgotten when, and what a person may ask for about themselves."""
