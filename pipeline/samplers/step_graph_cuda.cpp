#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>
#include <utility>

#include "pipeline/samplers/step_graph.h"

namespace pipeline {

namespace {

/// A step as one CUDA graph. Graphs are replayed one after the other, never side by side, so that all share one pool of
/// memory: the last one is kept until the next has been captured, or the pool would go with it.
class CudaStepGraph final : public StepGraph {
  public:
    CudaStepGraph() : stream_(c10::cuda::getStreamFromPool()) {}

    void warm_up(const std::function<void()>& work) override { on_side_stream(work); }

    void capture(const std::function<void()>& step) override {
        on_side_stream([&] {
            stream_.synchronize();
            // What the warm-up took lies cached outside the graph's own pool, and a capture cannot free it.
            c10::cuda::CUDACachingAllocator::emptyCache();
            if (last_graph) {
                graph_->capture_begin(last_graph->pool());
            } else {
                graph_->capture_begin();
            }
            try {
                step();
                graph_->capture_end();
            } catch (...) {
                abandon();
                throw;
            }
        });
        last_graph = graph_;
    }

    void replay() override { graph_->replay(); }

  private:
    /// Capturing needs a stream that is not the default one. What was queued before comes before, what follows after.
    void on_side_stream(const std::function<void()>& work) {
        at::cuda::CUDAEvent before, after;
        before.record(c10::cuda::getCurrentCUDAStream());
        {
            const c10::cuda::CUDAStreamGuard guard(stream_);
            before.block(stream_);
            work();
            after.record(stream_);
        }
        after.block(c10::cuda::getCurrentCUDAStream());
    }

    /// Takes the stream out of a capture that failed.
    void abandon() {
        try {
            graph_->capture_end();
        } catch (...) {
            // The capture was invalid, and has ended.
        }
        cudaGetLastError();
        graph_ = std::make_shared<at::cuda::CUDAGraph>();
    }

    static inline std::shared_ptr<at::cuda::CUDAGraph> last_graph;

    c10::cuda::CUDAStream stream_;
    std::shared_ptr<at::cuda::CUDAGraph> graph_ = std::make_shared<at::cuda::CUDAGraph>();
};

}  // namespace

}  // namespace pipeline

/// Found by name in the CUDA side; the caller owns what it gives.
extern "C" pipeline::StepGraph* diffinv_step_graph() {
    return new pipeline::CudaStepGraph();
}
