"""The history of each payment as one document, in MongoDB."""
