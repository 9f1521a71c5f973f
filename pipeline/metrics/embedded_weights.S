/* The bytes of the LPIPS weights that travel inside the program; see embedded_weights.h. The path is found through the
   include folders, of which the source root is one. */
    .section .rodata
    .balign 64
    .globl diffinv_lpips_alex_begin
    .globl diffinv_lpips_alex_end
    .type diffinv_lpips_alex_begin, @object
    .type diffinv_lpips_alex_end, @object
diffinv_lpips_alex_begin:
    .incbin "pipeline/metrics/weights/lpips_alex_v0.1_fp16.safetensors"
diffinv_lpips_alex_end:
    .byte 0
    .size diffinv_lpips_alex_begin, diffinv_lpips_alex_end - diffinv_lpips_alex_begin

    .section .note.GNU-stack,"",@progbits
