/* The bytes of font.png, the glyphs that pictures are labelled with; see font.h. The path is found through the include
   folders, of which the source root is one. */
    .section .rodata
    .balign 16
    .globl diffinv_font_begin
    .globl diffinv_font_end
    .type diffinv_font_begin, @object
    .type diffinv_font_end, @object
diffinv_font_begin:
    .incbin "jobs/report/font.png"
diffinv_font_end:
    .byte 0
    .size diffinv_font_begin, diffinv_font_end - diffinv_font_begin

    .section .note.GNU-stack,"",@progbits
