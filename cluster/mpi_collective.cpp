#include "cluster/mpi_collective.h"

#include <mpi.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "cluster/mpi_environment.h"

namespace cluster {

namespace {

constexpr int group_tag = 2;
/// MPI counts in int: larger tensors travel in pieces.
constexpr std::int64_t piece_bytes = std::int64_t{1} << 30;

class MpiCollective final : public Collective {
  public:
    explicit MpiCollective(int first) {
        int world_size = 0;
        check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &world_size), "MPI_Comm_size");
        if (first < 0 || first >= world_size) {
            throw std::invalid_argument("collective: first rank " + std::to_string(first) + " of " +
                                        std::to_string(world_size));
        }
        std::vector<int> ranks(static_cast<std::size_t>(world_size - first));
        std::iota(ranks.begin(), ranks.end(), first);
        MPI_Group world = MPI_GROUP_NULL;
        MPI_Group group = MPI_GROUP_NULL;
        check_mpi(MPI_Comm_group(MPI_COMM_WORLD, &world), "MPI_Comm_group");
        check_mpi(MPI_Group_incl(world, static_cast<int>(ranks.size()), ranks.data(), &group), "MPI_Group_incl");
        check_mpi(MPI_Comm_create_group(MPI_COMM_WORLD, group, group_tag, &communicator_), "MPI_Comm_create_group");
        MPI_Group_free(&group);
        MPI_Group_free(&world);
        check_mpi(MPI_Comm_rank(communicator_, &rank_), "MPI_Comm_rank");
        check_mpi(MPI_Comm_size(communicator_, &size_), "MPI_Comm_size");
    }

    ~MpiCollective() override { MPI_Comm_free(&communicator_); }

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    std::string name() const override { return "MPI"; }

    void broadcast(const std::vector<at::Tensor>& tensors, int root) override {
        for (const at::Tensor& tensor : tensors) {
            if (!tensor.is_contiguous() || !tensor.is_cpu()) {
                throw std::invalid_argument("collective: a tensor that is not contiguous on the CPU");
            }
            auto* bytes = static_cast<std::byte*>(tensor.data_ptr());
            for (std::int64_t left = static_cast<std::int64_t>(tensor.nbytes()); left > 0;) {
                const std::int64_t piece = std::min(left, piece_bytes);
                check_mpi(MPI_Bcast(bytes, static_cast<int>(piece), MPI_BYTE, root, communicator_), "MPI_Bcast");
                bytes += piece;
                left -= piece;
            }
        }
    }

    std::uint64_t all_reduce_minimum(std::uint64_t value) override { return all_reduce(value, MPI_MIN); }
    std::uint64_t all_reduce_maximum(std::uint64_t value) override { return all_reduce(value, MPI_MAX); }

  private:
    std::uint64_t all_reduce(std::uint64_t value, MPI_Op operation) {
        std::uint64_t result = 0;
        check_mpi(MPI_Allreduce(&value, &result, 1, MPI_UINT64_T, operation, communicator_), "MPI_Allreduce");
        return result;
    }

    MPI_Comm communicator_ = MPI_COMM_NULL;
    int rank_ = 0;
    int size_ = 1;
};

}  // namespace

std::unique_ptr<Collective> mpi_collective(int first) {
    return std::make_unique<MpiCollective>(first);
}

}  // namespace cluster
