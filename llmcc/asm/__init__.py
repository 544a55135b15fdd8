"""GNU assembly text as data: parse it, render it back to the byte."""
