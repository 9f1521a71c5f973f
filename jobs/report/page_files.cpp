#include "jobs/report/page_files.h"

// First byte of each file and the byte after its last; the storage is in page_files.S.
extern "C" const char diffinv_page_html_begin[], diffinv_page_html_end[];
extern "C" const char diffinv_page_style_begin[], diffinv_page_style_end[];
extern "C" const char diffinv_page_chart_begin[], diffinv_page_chart_end[];
extern "C" const char diffinv_page_licence_begin[], diffinv_page_licence_end[];
extern "C" const char diffinv_page_script_begin[], diffinv_page_script_end[];

namespace jobs {

PageFiles page_files() {
    return {.html = {diffinv_page_html_begin, diffinv_page_html_end},
            .style = {diffinv_page_style_begin, diffinv_page_style_end},
            .chart = {diffinv_page_chart_begin, diffinv_page_chart_end},
            .licence = {diffinv_page_licence_begin, diffinv_page_licence_end},
            .script = {diffinv_page_script_begin, diffinv_page_script_end}};
}

}  // namespace jobs
