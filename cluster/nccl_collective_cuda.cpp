#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "cluster/nccl_collective.h"

namespace cluster {

namespace {

constexpr std::int64_t piece_bytes = std::int64_t{256} << 20;

double nccl_clock() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class NcclCollective final : public Collective {
  public:
    NcclCollective(Collective& host, int device, double timeout_seconds)
        : rank_(host.rank()),
          size_(host.size()),
          device_(c10::kCUDA, static_cast<c10::DeviceIndex>(device)),
          timeout_seconds_(timeout_seconds) {
        const c10::cuda::CUDAGuard guard(device_);
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        config.blocking = 0;
        const ncclUniqueId id = shared_id(host);
        queue("ncclCommInitRankConfig",
              [&] { return ncclCommInitRankConfig(&communicator_, size_, id, rank_, &config); });
    }

    ~NcclCollective() override {
        if (communicator_ == nullptr) return;
        try {
            queue("ncclCommFinalize", [&] { return ncclCommFinalize(communicator_); });
            ncclCommDestroy(communicator_);
        } catch (const std::exception&) {
            // `queue` has aborted it: the weights are here all the same.
        }
    }

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    std::string name() const override {
        int version = 0;
        ncclGetVersion(&version);
        return "NCCL " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
               std::to_string(version % 100);
    }
    bool takes_device_tensors() const override { return true; }

    void broadcast(const std::vector<at::Tensor>& tensors, int root) override {
        const c10::cuda::CUDAGuard guard(device_);
        std::map<at::ScalarType, std::vector<at::Tensor>> pieces;
        const auto send = [&](std::vector<at::Tensor>& piece) {
            broadcast_flat(piece, root);
            piece.clear();
        };
        std::map<at::ScalarType, std::int64_t> bytes;
        for (const at::Tensor& tensor : tensors) {
            const at::ScalarType type = tensor.scalar_type();
            const auto more = static_cast<std::int64_t>(tensor.nbytes());
            if (!pieces[type].empty() && bytes[type] + more > piece_bytes) {
                send(pieces[type]);
                bytes[type] = 0;
            }
            pieces[type].push_back(tensor);
            bytes[type] += more;
        }
        for (auto& [type, piece] : pieces) {
            if (!piece.empty()) send(piece);
        }
    }

    std::uint64_t all_reduce_minimum(std::uint64_t value) override { return all_reduce(value, ncclMin); }
    std::uint64_t all_reduce_maximum(std::uint64_t value) override { return all_reduce(value, ncclMax); }

  private:
    /// Made by rank 0, whose process must outlive the start-up.
    ncclUniqueId shared_id(Collective& host) {
        ncclUniqueId id = {};
        const at::Tensor bytes = at::empty({static_cast<std::int64_t>(sizeof id)}, at::kByte);
        if (rank_ == 0) {
            if (const ncclResult_t code = ncclGetUniqueId(&id); code != ncclSuccess) fail("ncclGetUniqueId", code);
            std::memcpy(bytes.mutable_data_ptr(), &id, sizeof id);
        }
        host.broadcast({bytes}, 0);
        std::memcpy(&id, bytes.const_data_ptr(), sizeof id);
        return id;
    }

    /// Tensors of one dtype as one buffer, in their order.
    void broadcast_flat(const std::vector<at::Tensor>& tensors, int root) {
        std::int64_t count = 0;
        for (const at::Tensor& tensor : tensors) count += tensor.numel();
        const at::Tensor flat = at::empty({count}, tensors.front().options());
        const auto for_each_part = [&](const auto& work) {
            std::int64_t at = 0;
            for (const at::Tensor& tensor : tensors) {
                work(tensor, flat.narrow(0, at, tensor.numel()));
                at += tensor.numel();
            }
        };
        if (rank_ == root) {
            for_each_part([](const at::Tensor& tensor, const at::Tensor& part) { part.copy_(tensor.reshape(-1)); });
        }
        queue("ncclBroadcast", [&] {
            return ncclBroadcast(flat.const_data_ptr(), flat.mutable_data_ptr(), flat.nbytes(), ncclUint8, root,
                                 communicator_, c10::cuda::getCurrentCUDAStream());
        });
        wait_for_stream("ncclBroadcast");
        if (rank_ != root) {
            for_each_part(
                [](const at::Tensor& tensor, const at::Tensor& part) { tensor.copy_(part.view(tensor.sizes())); });
        }
    }

    std::uint64_t all_reduce(std::uint64_t value, ncclRedOp_t operation) {
        const c10::cuda::CUDAGuard guard(device_);
        const at::Tensor here = at::empty({1}, at::kLong);
        std::memcpy(here.mutable_data_ptr(), &value, sizeof value);
        const at::Tensor there = here.to(device_);
        queue("ncclAllReduce", [&] {
            return ncclAllReduce(there.const_data_ptr(), there.mutable_data_ptr(), 1, ncclUint64, operation,
                                 communicator_, c10::cuda::getCurrentCUDAStream());
        });
        wait_for_stream("ncclAllReduce");
        const at::Tensor result = there.cpu();
        std::memcpy(&value, result.const_data_ptr(), sizeof value);
        return value;
    }

    /// Calls NCCL and waits until it has taken the call.
    void queue(const char* call, const std::function<ncclResult_t()>& work) {
        ncclResult_t code = work();
        const double deadline = nccl_clock() + timeout_seconds_;
        while (code == ncclInProgress) {
            if (nccl_clock() > deadline) fail(call, ncclInProgress);
            std::this_thread::sleep_for(std::chrono::microseconds(200));
            if (const ncclResult_t asked = ncclCommGetAsyncError(communicator_, &code); asked != ncclSuccess) {
                fail("ncclCommGetAsyncError", asked);
            }
        }
        if (code != ncclSuccess) fail(call, code);
    }

    /// Until the device has done what was queued; never blocks, so that a rank that is gone is noticed.
    void wait_for_stream(const char* call) {
        const cudaStream_t stream = c10::cuda::getCurrentCUDAStream();
        const double deadline = nccl_clock() + timeout_seconds_;
        while (true) {
            const cudaError_t state = cudaStreamQuery(stream);
            if (state == cudaSuccess) return;
            // The communicator is aborted here too: finalising it would wait for a device that is gone.
            if (state != cudaErrorNotReady) fail(call, ncclUnhandledCudaError, cudaGetErrorString(state));
            ncclResult_t code = ncclSuccess;
            ncclCommGetAsyncError(communicator_, &code);
            if (code != ncclSuccess && code != ncclInProgress) fail(call, code);
            if (nccl_clock() > deadline) fail(call, ncclInProgress);
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }

    [[noreturn]] void fail(const char* call, ncclResult_t code, const std::string& detail = "") {
        std::string text = code == ncclInProgress
                               ? "not done after " + std::to_string(static_cast<int>(timeout_seconds_)) + " s"
                               : std::string(ncclGetErrorString(code));
        if (!detail.empty()) text += ": " + detail;
        if (communicator_ != nullptr) {
            const char* last = ncclGetLastError(communicator_);
            if (last != nullptr && *last != '\0') text += std::string(": ") + last;
            ncclCommAbort(communicator_);
            communicator_ = nullptr;
        }
        throw std::runtime_error("NCCL: rank " + std::to_string(rank_) + " of " + std::to_string(size_) +
                                 ", device cuda:" + std::to_string(device_.index()) + ": " + call + ": " + text);
    }

    int rank_, size_;
    c10::Device device_;
    double timeout_seconds_;
    ncclComm_t communicator_ = nullptr;
};

}  // namespace

}  // namespace cluster

/// Of the CUDA side; its caller compares it with its own.
extern "C" const char* diffinv_cuda_version() {
    return DIFFINV_VERSION;
}

extern "C" cluster::Collective* diffinv_nccl_collective(cluster::Collective& host, int device, double timeout_seconds) {
    return new cluster::NcclCollective(host, device, timeout_seconds);
}
