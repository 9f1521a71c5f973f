#pragma once

#include <filesystem>

#include "operators/measurement_operator.h"
#include "pipeline/data/measurement_file.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/run_unit.h"
#include "pipeline/samplers/run_sampler.h"
#include "pipeline/work_unit.h"

namespace pipeline {

/// The images of one block and what was measured of them, exactly as the committed file holds it.
struct MeasuredBlock {
    MeasurementFile file;
    operators::Measurement measurement;  ///< y of the file, A made from the file's parameters.
};

/// Images → A and η, once for all units of the block: whichever comes first commits y with its mask or kernel, and all,
/// the first one too, go on from the file's bytes.
/// @throws FileError  where the committed file belongs to other images or settings
MeasuredBlock measured_block(const WorkUnit& unit, const UnitEnvironment& environment);

/// What `measured_block` reads back: the committed measurement of a unit's block.
/// @throws FileError  where it is missing, damaged, or belongs to other images or settings
MeasuredBlock committed_block(const WorkUnit& unit, const std::filesystem::path& folder);

/// The measurement where the network is: y, and A made from the file's parameters there.
operators::Measurement measurement_on_device(const MeasuredBlock& block, const WorkUnit& unit,
                                             const UnitEnvironment& environment);

/// Rows of a unit that restores: metrics on clamped images, NaN in rows that diverged or whose image could not be read.
UnitRows scored_rows(const WorkUnit& unit, const MeasuredBlock& block, const SamplingResult& result,
                     const UnitEnvironment& environment);

/// Fills the metrics of rows.restored [N, C, H, W], clamped, of the unit's image shape: the residual against y, the
/// others against the truth where it is known.
/// @param lpips  null: the column is NaN
void score(UnitRows& rows, const MeasuredBlock& block, const WorkUnit& unit, const Lpips* lpips);

/// Rows of a unit that generates: no truth, so every metric is NaN.
UnitRows generated_rows(const WorkUnit& unit, const SamplingResult& result);

}  // namespace pipeline
