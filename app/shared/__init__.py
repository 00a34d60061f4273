"""What several pages need: the address, what is remembered, and controls that appear on more than one page.

Belongs here: state and parts that at least two pages use. Does not: what one page alone uses, figures (`figures`).
"""
