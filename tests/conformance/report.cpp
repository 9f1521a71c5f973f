#include "tests/conformance/report.h"

#include <cstdio>

namespace conformance {

namespace {

void print_name(const std::string& group, const std::string& quantity) {
    std::printf("%-48s %-24s ", group.c_str(), quantity.c_str());
}

/// A sentence from elsewhere as one line.
std::string one_line(std::string text) {
    for (char& character : text) {
        if (static_cast<unsigned char>(character) < ' ') character = ' ';
    }
    return text;
}

}  // namespace

void Report::check(const std::string& group, const std::string& quantity, double tolerance,
                   const std::function<double()>& error) {
    double largest = 0;
    try {
        largest = error();
    } catch (const NotBuilt& missing) {
        return skip(group, quantity, missing.what());
    } catch (const std::exception& problem) {
        return fail(group, quantity, problem.what());
    }
    const bool is_within = largest <= tolerance;
    ++(is_within ? passed_ : failed_);
    print_name(group, quantity);
    std::printf("error %8.2e  tolerance %8.2e  %s\n", largest, tolerance, is_within ? "passed" : "failed");
    std::fflush(stdout);
}

void Report::check(const std::string& group, const std::string& quantity, const std::function<bool()>& holds) {
    check(group, quantity, 0.0, [&holds] { return holds() ? 0.0 : 1.0; });
}

void Report::skip(const std::string& group, const std::string& quantity, const std::string& why) {
    ++skipped_;
    print_name(group, quantity);
    std::printf("skipped (%s)\n", one_line(why).c_str());
    std::fflush(stdout);
}

void Report::fail(const std::string& group, const std::string& quantity, const std::string& why) {
    ++failed_;
    print_name(group, quantity);
    std::printf("failed (%s)\n", one_line(why).c_str());
    std::fflush(stdout);
}

void Report::within(const std::string& group, const std::function<void()>& check_cases) {
    try {
        check_cases();
    } catch (const NotBuilt& missing) {
        skip(group, "all", missing.what());
    } catch (const std::exception& problem) {
        fail(group, "all", problem.what());
    }
}

int Report::finish() const {
    std::printf("%d passed, %d failed, %d skipped\n", passed_, failed_, skipped_);
    std::fflush(stdout);
    return failed_ == 0 && passed_ > 0 ? 0 : 1;
}

}  // namespace conformance
