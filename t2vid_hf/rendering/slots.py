"""The numbers that the atlas and the compiled loops share. A loop takes them as constants when it is compiled."""

# Positions are whole numbers of this part of a pixel.
UNIT = 1024
# A glyph may stand at this many places within a pixel.
QUARTERS = 4
# A bitmap is stored as strips of this many columns, one vector instruction a row.
STRIP_PX = 16

# Slots that are not a character: one never seen, one without ink or width, the rest of a drawn stretch, the box.
UNKNOWN_SLOT, EMPTY_SLOT, CONTINUED_SLOT, BOX_SLOT = range(4)
FIRST_SLOT = 4

# What a slot is to the layout.
INK, SPACE, TAB, LINE_FEED, CARRIAGE_RETURN, NEWLINE, EMPTY, CONTINUED, COMPLEX, UNKNOWN = range(10)
KINDS = 10

# In a table of kerning: nobody has asked the font yet.
UNKNOWN_KERN = -(2**31)

# What a slot is to the line breaker. Letters, digits and spaces count once a run; .,;:!? are 4 to 9.
SYMBOL_DIRECT, SYMBOL_LETTER, SYMBOL_DIGIT, SYMBOL_SPACE = range(4)
SYMBOL_LAST_RUN = 3
SYMBOL_LAST_PLAIN = 9
SYMBOL_OTHER = 16

# What the place before a character may be, but 1 (a line may begin): one begins if the line before is full.
FULL_ROW = 2
