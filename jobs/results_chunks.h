#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/hdf5.h"

namespace jobs {

// Images in results.h5 are stored one a chunk, so that they are copied from committed files without being unpacked and
// a merge needs no more memory than one block takes.

/// How images are kept: one a chunk, shuffled unless `is_shuffled` is false, gzip 1, with a checksum.
/// @param shape    of the whole dataset
/// @param leading  its axes before those of one image
pipeline::Hdf5Layout one_image_a_chunk(const std::vector<std::int64_t>& shape, std::size_t leading,
                                       bool is_shuffled = true);

/// A dataset of one image a chunk in a committed file.
struct ChunkSource {
    const pipeline::Hdf5File& file;
    std::string name;
    std::int64_t images = 0;  ///< Along its leading axis.
    bool is_shuffled = true;  ///< As it was written: `pipeline::image_layout`.
};

/// A place in a dataset of results.h5 made with `one_image_a_chunk`, shuffled like the source or where the source is
/// not.
struct ChunkTarget {
    pipeline::Hdf5File& file;
    std::string name;
    std::vector<std::int64_t> leading;  ///< Indices of the first image along the axes before those of an image
    bool is_shuffled = true;
};

/// Copies all images of the source as they are stored, to places that follow each other on the last leading axis.
void copy_chunks(const ChunkSource& source, const ChunkTarget& target);

/// Fills the places of `images` images with NaN: what is not there yet.
void write_missing(const ChunkTarget& target, std::int64_t images);

}  // namespace jobs
