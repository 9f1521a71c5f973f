# NCCL beside the CUDA toolkit, or of a pip installation.
#
# Target  NCCL::nccl
# Hint    NCCL_ROOT, a folder with include/ and lib/
file(GLOB _nccl_wheels "${PROJECT_SOURCE_DIR}/.deps/nvidia/nccl" "${_libtorch_root}/../nvidia/nccl")
find_path(NCCL_INCLUDE_DIR nccl.h HINTS "${NCCL_ROOT}/include" PATHS ${_nccl_wheels} PATH_SUFFIXES include)
find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS "${NCCL_ROOT}/lib" "${CUDAToolkit_LIBRARY_DIR}"
  "${CUDAToolkit_BIN_DIR}/.." PATHS ${_nccl_wheels} PATH_SUFFIXES lib lib64)
mark_as_advanced(NCCL_INCLUDE_DIR NCCL_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(NCCL REQUIRED_VARS NCCL_INCLUDE_DIR NCCL_LIBRARY
  REASON_FAILURE_MESSAGE "the CUDA side needs it: install libnccl-dev or nvidia-nccl-cu13, or set NCCL_ROOT")
if(NCCL_FOUND AND NOT TARGET NCCL::nccl)
  add_library(NCCL::nccl SHARED IMPORTED)
  target_include_directories(NCCL::nccl SYSTEM INTERFACE "${NCCL_INCLUDE_DIR}")
  set_target_properties(NCCL::nccl PROPERTIES IMPORTED_LOCATION "${NCCL_LIBRARY}")
endif()
