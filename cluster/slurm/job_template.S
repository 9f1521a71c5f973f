/* The bytes of job.sh.in, the script that `diffinv submit` fills in; see slurm_script.cpp. The path is found through the
   include folders, of which the source root is one. */
    .section .rodata
    .globl diffinv_slurm_job_begin
    .globl diffinv_slurm_job_end
    .type diffinv_slurm_job_begin, @object
    .type diffinv_slurm_job_end, @object
diffinv_slurm_job_begin:
    .incbin "cluster/slurm/job.sh.in"
diffinv_slurm_job_end:
    .byte 0
    .size diffinv_slurm_job_begin, diffinv_slurm_job_end - diffinv_slurm_job_begin

    .section .note.GNU-stack,"",@progbits
