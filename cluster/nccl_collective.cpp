#include "cluster/nccl_collective.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace cluster {

bool share_a_device(Collective& host, const std::string& uuid) {
    constexpr std::size_t most = 64;
    std::set<std::string> seen;
    for (int root = 0; root < host.size(); ++root) {
        const at::Tensor name = at::zeros({static_cast<std::int64_t>(most)}, at::kByte);
        if (root == host.rank())
            std::ranges::copy(uuid.substr(0, most - 1), static_cast<char*>(name.mutable_data_ptr()));
        host.broadcast({name}, root);
        seen.insert(static_cast<const char*>(name.const_data_ptr()));
    }
    return static_cast<int>(seen.size()) < host.size();
}

void broadcast_by_host(Collective& host, const std::vector<at::Tensor>& tensors, int root) {
    for (const at::Tensor& tensor : tensors) {
        const at::Tensor copy = tensor.cpu().contiguous();
        host.broadcast({copy}, root);
        if (host.rank() != root) tensor.copy_(copy);
    }
}

}  // namespace cluster
