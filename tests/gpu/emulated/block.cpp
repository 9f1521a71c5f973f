#include <ucontext.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emulated {
namespace {

constexpr std::size_t stack_bytes = 128 * 1024;
constexpr std::size_t guard_bytes = 256;
constexpr unsigned char guard_byte = 0xA5;
constexpr unsigned warp_size = 32;

enum class Waits { for_nothing, at_barrier, at_shuffle, is_done };

struct Fiber {
    ucontext_t context;
    std::unique_ptr<unsigned char[]> stack = std::unique_ptr<unsigned char[]>(new unsigned char[stack_bytes]);
    Waits waits = Waits::for_nothing;
    std::source_location where;
    std::uint32_t brought = 0;
    std::uint32_t received = 0;
    unsigned source = 0;
};

struct Block {
    std::vector<Fiber> fibers;
    unsigned size = 0;
    unsigned running = 0;
    ucontext_t scheduler;
    const std::function<void()>* body = nullptr;
    std::exception_ptr failure;
    std::vector<float4> shared;  // aligned to 16 bytes
};

Block the_block;

std::string place(const std::source_location& where) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

void wait(Waits what, const std::source_location& where) {
    Fiber& self = the_block.fibers[the_block.running];
    self.waits = what;
    self.where = where;
    swapcontext(&self.context, &the_block.scheduler);
}

void fiber_main() {
    try {
        (*the_block.body)();
    } catch (...) {
        the_block.failure = std::current_exception();
    }
    wait(Waits::is_done, std::source_location::current());
    std::abort();  // nobody resumes a thread that has ended
}

void set_thread(unsigned index) {
    the_block.running = index;
    threadIdx = {index % blockDim.x, index / blockDim.x % blockDim.y, index / (blockDim.x * blockDim.y)};
}

void prepare(Fiber& fiber) {
    fiber.waits = Waits::for_nothing;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = stack_bytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &fiber_main, 0);
}

// All threads of [first, end) wait for the same thing at the same line.
bool all_wait(unsigned first, unsigned end, Waits what) {
    const Fiber& one = the_block.fibers[first];
    for (unsigned i = first; i < end; ++i) {
        const Fiber& other = the_block.fibers[i];
        if (other.waits != what || other.where.line() != one.where.line()) return false;
    }
    return true;
}

// Lets go on what has all it waits for; false where nobody can.
bool release() {
    bool has_released = false;
    for (unsigned first = 0; first < the_block.size; first += warp_size) {
        const unsigned end = std::min(first + warp_size, the_block.size);
        if (!all_wait(first, end, Waits::at_shuffle)) continue;
        for (unsigned i = first; i < end; ++i) {
            Fiber& fiber = the_block.fibers[i];
            fiber.received = the_block.fibers[std::min(first + fiber.source, end - 1)].brought;
        }
        for (unsigned i = first; i < end; ++i) the_block.fibers[i].waits = Waits::for_nothing;
        has_released = true;
    }
    if (!has_released && all_wait(0, the_block.size, Waits::at_barrier)) {
        for (unsigned i = 0; i < the_block.size; ++i) the_block.fibers[i].waits = Waits::for_nothing;
        has_released = true;
    }
    return has_released;
}

std::string stuck() {
    std::string list = "a barrier or shuffle that not all threads reach alike, block " + std::to_string(blockIdx.x) +
                       ", " + std::to_string(blockIdx.y) + ":";
    for (unsigned i = 0; i < the_block.size; ++i) {
        const Fiber& fiber = the_block.fibers[i];
        const bool is_first = i == 0 || fiber.waits != the_block.fibers[i - 1].waits ||
                              fiber.where.line() != the_block.fibers[i - 1].where.line();
        if (is_first) {
            list += " from thread " + std::to_string(i) +
                    (fiber.waits == Waits::is_done ? " ended;" : " waits at " + place(fiber.where) + ";");
        }
    }
    return list;
}

void run_block() {
    for (unsigned i = 0; i < the_block.size; ++i) prepare(the_block.fibers[i]);
    for (;;) {
        for (unsigned i = 0; i < the_block.size; ++i) {
            if (the_block.fibers[i].waits != Waits::for_nothing) continue;
            set_thread(i);
            swapcontext(&the_block.scheduler, &the_block.fibers[i].context);
            if (the_block.failure) std::rethrow_exception(std::exchange(the_block.failure, nullptr));
        }
        const bool is_done = std::all_of(the_block.fibers.begin(), the_block.fibers.begin() + the_block.size,
                                         [](const Fiber& fiber) { return fiber.waits == Waits::is_done; });
        if (is_done) return;
        if (!release()) throw std::logic_error(stuck());
    }
}

}  // namespace

cudaError_t launch(dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t, const std::function<void()>& body) {
    const std::size_t threads = std::size_t{block.x} * block.y * block.z;
    if (threads == 0 || threads > 1024 || block.z > 64) return cudaErrorInvalidConfiguration;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535) {
        return cudaErrorInvalidConfiguration;
    }
    if (shared_bytes > 48 * 1024) return cudaErrorInvalidConfiguration;  // more has to be asked for

    gridDim = grid;
    blockDim = block;
    the_block.body = &body;
    the_block.size = static_cast<unsigned>(threads);
    if (the_block.fibers.size() < threads) the_block.fibers.resize(threads);
    the_block.shared.resize((shared_bytes + guard_bytes) / sizeof(float4) + 1);
    auto* const bytes = reinterpret_cast<unsigned char*>(the_block.shared.data());
    for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z) {
        for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
            for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
                // What a block finds in shared memory is of no use: bits that make a NaN of every float.
                std::memset(bytes, 0xFF, shared_bytes);
                std::memset(bytes + shared_bytes, guard_byte, guard_bytes);
                run_block();
                const bool is_whole = std::all_of(bytes + shared_bytes, bytes + shared_bytes + guard_bytes,
                                                  [](unsigned char byte) { return byte == guard_byte; });
                if (!is_whole) throw std::logic_error("a kernel wrote beyond its dynamic shared memory");
            }
        }
    }
    return cudaSuccess;
}

void* dynamic_shared_memory() {
    return the_block.shared.data();
}

void check(bool holds, const char* condition, const char* file, int line) {
    if (holds) return;
    throw std::logic_error(std::string(file) + ":" + std::to_string(line) + ": does not hold: " + condition);
}

void barrier(const std::source_location& where) {
    wait(Waits::at_barrier, where);
}

std::uint32_t exchanged(std::uint32_t bits, unsigned source, const std::source_location& where) {
    Fiber& self = the_block.fibers[the_block.running];
    self.brought = bits;
    self.source = source;
    wait(Waits::at_shuffle, where);
    return self.received;
}

unsigned lane() {
    return the_block.running % warp_size;
}

}  // namespace emulated
