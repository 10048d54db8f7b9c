"""What an official could be told without a computer: the programme, its rules, its scenarios.

Imports no solver and nothing of `optimizer`, `reports` or `cli`.
"""
