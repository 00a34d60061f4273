"""What several pages need: the address, what is remembered, and the controls that appear on more than one page.

Belongs here: nothing that only one page uses. Does not: figures (`figures`)."""
