"""The verbs of the command line: parse, call, hand the Document to a renderer."""
