"""Draws font.png, the glyphs that pictures are labelled with: make_font.py [FOLDER OF THE TTF FILES].

Two faces of DejaVu Sans Mono (Debian's fonts-dejavu-core; LICENSE.dejavu), one under the other; in each, cells of one size,
32 a line, in the order of `characters`. Levels are coverage: 0 is paper, 255 is ink. Needs Pillow. font.cpp knows the same
sizes and characters.
"""
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFont

characters = [chr(code) for code in range(32, 127)] + list("±×−–…·σζλγη→°≥≤")
columns = 32
faces = [("DejaVuSansMono.ttf", 13, 8, 16), ("DejaVuSansMono-Bold.ttf", 16, 10, 20)]

fonts = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts/truetype/dejavu")
lines = -(-len(characters) // columns)
width = max(columns * cell_width for _, _, cell_width, _ in faces)
height = sum(lines * cell_height for *_, cell_height in faces)
atlas = Image.new("L", (width, height), 0)
top = 0
for name, size, cell_width, cell_height in faces:
    font = ImageFont.truetype(str(fonts / name), size)
    ascent, descent = font.getmetrics()
    baseline = (cell_height - (ascent + descent)) // 2 + ascent
    for number, character in enumerate(characters):
        cell = Image.new("L", (cell_width, cell_height), 0)
        ImageDraw.Draw(cell).text((0, baseline), character, fill=255, font=font, anchor="ls")
        atlas.paste(cell, (number % columns * cell_width, top + number // columns * cell_height))
    top += lines * cell_height
atlas.save(pathlib.Path(__file__).with_name("font.png"), optimize=True)
print(f"{len(characters)} characters, {width} x {height} pixels")
