/* The files that a report's page is made of, one after the other; see page_files.h. Paths are found through the include
   folders: the source root, and the folder of chart.min.js from Debian's libjs-chart.js (LICENSE.chartjs). */
    .section .rodata

    .macro page_file name, path
    .globl diffinv_page_\name\()_begin
    .globl diffinv_page_\name\()_end
diffinv_page_\name\()_begin:
    .incbin "\path"
diffinv_page_\name\()_end:
    .byte 0
    .endm

    page_file html, "jobs/report/page/page.html"
    page_file style, "jobs/report/page/page.css"
    page_file chart, "chart.min.js"
    page_file licence, "jobs/report/LICENSE.chartjs"

    /* The page's own script, in the order in which its parts need each other. */
    .globl diffinv_page_script_begin
    .globl diffinv_page_script_end
diffinv_page_script_begin:
    .incbin "jobs/report/page/base.js"
    .incbin "jobs/report/page/table.js"
    .incbin "jobs/report/page/charts.js"
    .incbin "jobs/report/page/distributions.js"
    .incbin "jobs/report/page/pictures.js"
    .incbin "jobs/report/page/browser.js"
    .incbin "jobs/report/page/browser_input.js"
    .incbin "jobs/report/page/run.js"
    .incbin "jobs/report/page/main.js"
diffinv_page_script_end:
    .byte 0

    .section .note.GNU-stack,"",@progbits
