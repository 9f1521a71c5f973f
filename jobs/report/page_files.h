#pragma once

#include <string_view>

namespace jobs {

/// The files that a page is made of, embedded in the program.
struct PageFiles {
    std::string_view html;     ///< With places {{policy}}, {{style}}, {{data}}, {{chart}}, {{licence}}, {{script}}.
    std::string_view style;    ///< page.css
    std::string_view chart;    ///< Chart.js
    std::string_view licence;  ///< Its licence.
    std::string_view script;   ///< The page's own, its parts joined.
};
PageFiles page_files();

}  // namespace jobs
