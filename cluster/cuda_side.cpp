#include "cluster/cuda_side.h"

#include <dlfcn.h>

namespace cluster {

namespace fs = std::filesystem;

namespace {

bool was_opened = false;

}  // namespace

bool CudaSide::is_open() {
    return was_opened;
}

fs::path CudaSide::beside_program() {
    return fs::read_symlink("/proc/self/exe").parent_path() / "libdiffinv_cuda.so";
}

CudaSide::CudaSide(const fs::path& library, const std::string& version) : library_(library) {
    if (!fs::exists(library)) {
        throw CudaSideError("this program was built without its CUDA side (there is no " + library.string() +
                            "); build it where the CUDA toolkit is");
    }
    // Where it is to be found by name, its own paths bring NCCL and the CUDA runtime in.
    dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_LOCAL);
    handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) {
        throw CudaSideError(std::string("the CUDA side cannot be loaded: ") + dlerror() +
                            "; all libraries that it needs come with 'pip install torch', see docs/gpu.md");
    }
    was_opened = true;
    const auto of_side = reinterpret_cast<const char* (*)()>(symbol("diffinv_cuda_version"));
    if (of_side() != version) {
        throw CudaSideError(library.string() + ": is of version " + of_side() + ", this program is of " + version);
    }
}

void* CudaSide::symbol(const char* name) const {
    void* found = dlsym(handle_, name);
    if (found == nullptr) throw CudaSideError(library_.string() + ": has no " + name);
    return found;
}

}  // namespace cluster
