"""Text in, text out: engines and the models converted for them."""
