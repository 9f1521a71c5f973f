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

/// One for the whole process: libraries keep a workspace for every stream that they have seen.
c10::cuda::CUDAStream side_stream() {
    static const c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();
    return stream;
}

/// A step as one CUDA graph, with a pool of memory of its own, which goes with it.
class CudaStepGraph final : public StepGraph {
  public:
    CudaStepGraph() : stream_(side_stream()) {}

    void warm_up(const std::function<void()>& work) override { on_side_stream(work); }

    void capture(const std::function<void()>& step) override {
        on_side_stream([&] {
            stream_.synchronize();
            // What the warm-up took lies cached outside the graph's own pool, and a capture cannot free it.
            c10::cuda::CUDACachingAllocator::emptyCache();
            graph_->capture_begin(pool_);
            try {
                step();
                graph_->capture_end();
            } catch (...) {
                abandon();
                throw;
            }
        });
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

    /// Takes stream and allocator out of a capture that failed.
    void abandon() {
        try {
            graph_->capture_end();
        } catch (...) {
            // It threw before it told the allocator that the capture has ended.
            try {
                c10::cuda::CUDACachingAllocator::endAllocateToPool(stream_.device_index(), pool_);
                c10::cuda::CUDACachingAllocator::releasePool(stream_.device_index(), pool_);
            } catch (...) {
                // It had.
            }
        }
        static_cast<void>(cudaGetLastError());
        graph_ = std::make_shared<at::cuda::CUDAGraph>();
    }

    c10::cuda::CUDAStream stream_;
    at::cuda::MempoolId_t pool_ = at::cuda::graph_pool_handle();
    std::shared_ptr<at::cuda::CUDAGraph> graph_ = std::make_shared<at::cuda::CUDAGraph>();
};

}  // namespace

}  // namespace pipeline

/// Found by name in the CUDA side; the caller owns what it gives.
extern "C" pipeline::StepGraph* diffinv_step_graph() {
    return new pipeline::CudaStepGraph();
}
