#pragma once

namespace workers {

/// Seconds since 1970: for what people and other machines read.
double epoch_seconds();

/// Seconds of a clock that is never set: for what is measured.
double steady_seconds();

}  // namespace workers
