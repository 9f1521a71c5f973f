#pragma once

#include <functional>
#include <memory>
#include <string>

namespace pipeline {

/// A device's record of one step: what a step queues is recorded once and queued again as a whole, which costs the host
/// one call instead of a thousand.
class StepGraph {
  public:
    virtual ~StepGraph() = default;
    /// Runs work as it is, where the record will be made: libraries choose their algorithms and take their memory.
    virtual void warm_up(const std::function<void()>& work) = 0;
    /// Records what `step` queues; nothing of it is computed.
    /// @throws std::exception  where the device refuses; the process can go on without
    virtual void capture(const std::function<void()>& step) = 0;
    /// Queues the record.
    virtual void replay() = 0;
};

class CapturedStep;

/// The last step that was captured, kept for the next unit that is like its own.
class StepShelf {
  public:
    StepShelf();
    ~StepShelf();
    StepShelf(StepShelf&&) noexcept;
    StepShelf& operator=(StepShelf&&) noexcept;

    /// The kept step where it was kept under this name; nothing, and nothing is kept any more, otherwise.
    std::unique_ptr<CapturedStep> take(const std::string& name);
    void keep(const std::string& name, std::unique_ptr<CapturedStep> step);

  private:
    std::string name_;
    std::unique_ptr<CapturedStep> step_;
};

/// How the loop may capture steps; without `make` it does not.
struct StepCapture {
    std::function<std::unique_ptr<StepGraph>()> make;
    StepShelf* shelf = nullptr;         ///< Where the step is kept afterwards; null: nowhere.
    std::string name = {};              ///< The same for units whose steps do the same: configuration and shapes.
    std::shared_ptr<const void> owner;  ///< Of all that the step reads; lives as long as the step does.
    /// Told before each replay how many network calls it stands for. May be null.
    std::function<void(int network_calls)> on_replay;
    /// Told why a step could not be captured; the run goes on step by step. May be null.
    std::function<void(const std::string& reason)> on_refusal;
};

}  // namespace pipeline
