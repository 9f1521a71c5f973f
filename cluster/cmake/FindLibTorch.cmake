# LibTorch without find_package(Torch), which for a CUDA wheel demands nvcc and rewrites the CUDA architectures.
#
# Targets   LibTorch::headers, LibTorch::c10, LibTorch::cpu, LibTorch::openmp (at::parallel_for on LibTorch's own threads; on
#           one with a compiler other than g++); LibTorch::c10_cuda and LibTorch::cuda when CUDAToolkit was found before
# Hint      LIBTORCH_ROOT, a folder with include/ and lib/ (else .deps/torch, made by cluster/setup.sh)
set(LIBTORCH_ROOT "$ENV{LIBTORCH_ROOT}" CACHE PATH "folder with LibTorch's include/ and lib/")
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
  HINTS "${LIBTORCH_ROOT}/include" PATHS "${PROJECT_SOURCE_DIR}/.deps/torch/include" NO_DEFAULT_PATH)
get_filename_component(_libtorch_root "${LibTorch_INCLUDE_DIR}" DIRECTORY)
foreach(_library c10 torch_cpu c10_cuda torch_cuda)
  find_library(LibTorch_${_library}_LIBRARY ${_library} HINTS "${_libtorch_root}/lib" NO_DEFAULT_PATH)
endforeach()
mark_as_advanced(LibTorch_c10_LIBRARY LibTorch_torch_cpu_LIBRARY LibTorch_c10_cuda_LIBRARY LibTorch_torch_cuda_LIBRARY)

if(EXISTS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h")
  file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h" _version_lines
    REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" _version_lines "${_version_lines}")
  string(REPLACE ";" "." LibTorch_VERSION "${_version_lines}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch VERSION_VAR LibTorch_VERSION
  REQUIRED_VARS LibTorch_INCLUDE_DIR LibTorch_c10_LIBRARY LibTorch_torch_cpu_LIBRARY
  REASON_FAILURE_MESSAGE "run cluster/setup.sh, or set LIBTORCH_ROOT to a folder with LibTorch's include/ and lib/")

function(_libtorch_library name location)
  add_library(LibTorch::${name} SHARED IMPORTED)
  set_target_properties(LibTorch::${name} PROPERTIES IMPORTED_LOCATION "${location}")
  target_link_libraries(LibTorch::${name} INTERFACE ${ARGN})
endfunction()

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  find_package(Threads REQUIRED)
  add_library(LibTorch::headers INTERFACE IMPORTED)
  target_include_directories(LibTorch::headers SYSTEM INTERFACE
    "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  _libtorch_library(c10 "${LibTorch_c10_LIBRARY}" LibTorch::headers Threads::Threads)
  _libtorch_library(cpu "${LibTorch_torch_cpu_LIBRARY}" LibTorch::c10)
  target_link_options(LibTorch::cpu INTERFACE LINKER:--allow-shlib-undefined) # libcupti may be absent where we link
  # The OpenMP runtime that LibTorch brings along, or else the compiler's, which it then uses too.
  add_library(LibTorch::openmp INTERFACE IMPORTED)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    file(GLOB LibTorch_openmp_LIBRARY "${_libtorch_root}/lib/libgomp*.so*") # some builds put a hash into its name
    target_compile_options(LibTorch::openmp INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
    target_link_libraries(LibTorch::openmp INTERFACE
      $<IF:$<BOOL:${LibTorch_openmp_LIBRARY}>,${LibTorch_openmp_LIBRARY},-fopenmp>)
  endif()
  if(LibTorch_torch_cuda_LIBRARY AND LibTorch_c10_cuda_LIBRARY AND TARGET CUDA::cudart)
    _libtorch_library(c10_cuda "${LibTorch_c10_cuda_LIBRARY}" LibTorch::c10 CUDA::cudart)
    _libtorch_library(cuda "${LibTorch_torch_cuda_LIBRARY}" LibTorch::cpu LibTorch::c10_cuda)
  endif()
endif()
