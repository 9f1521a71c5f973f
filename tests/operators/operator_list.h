#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operators/measurement_operator.h"

namespace test_operators {

/// One entry of the list that every operator goes through.
struct ListedOperator {
    std::string label;  ///< As a test's parameter is named.
    std::string name;   ///< As in the operator table.
    std::shared_ptr<const operators::MeasurementOperator> A;
};

/// To add an operator to the contract test, add it here. Operators with masks of their own have `batch` of them.
inline constexpr std::int64_t batch = 4;
std::vector<ListedOperator> all_operators();

/// Made as a run makes it: settings resolved for the image's shape, parameters drawn for images 0 … batch−1.
std::shared_ptr<const operators::MeasurementOperator> drawn(
    const std::string& name, const operators::Shape& image,
    const std::vector<std::pair<std::string, std::string>>& settings = {});

/// Test values of a fixed field, in double and not all of one size.
at::Tensor values(const operators::Shape& shape, std::uint64_t seed, std::int64_t rows = batch);

}  // namespace test_operators
