#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/packed_content.h"

namespace jobs {

// Images in results.h5 are stored one a chunk, so that they are copied from committed files without being unpacked and
// a merge needs no more memory than one block takes.

/// How images are kept: one a chunk, shuffled unless `is_shuffled` is false, gzip 1, with a checksum.
/// @param shape    of the whole dataset
/// @param leading  its axes before those of one image
pipeline::Hdf5Layout one_image_a_chunk(const std::vector<std::int64_t>& shape, std::size_t leading,
                                       bool is_shuffled = true);

/// A dataset of results.h5 while images are copied into it. A place among its images are indices along the axes before
/// those of one image.
class CopiedImages {
  public:
    /// Makes the dataset, with `one_image_a_chunk`.
    CopiedImages(pipeline::Hdf5File& results, std::string name, at::ScalarType type,
                 const std::vector<std::int64_t>& shape, std::size_t leading, bool is_shuffled = true);

    /// Copies all images of the source as they are stored, to places that follow each other on the last leading axis.
    /// The source is shuffled like this dataset, or not at all.
    /// @throws FileError  where its images are not of this dataset's type and size
    void copy(const pipeline::PackedImages& source, const std::vector<std::int64_t>& place);
    /// Fills the places of `images` images with NaN: what is not there yet. Of float32.
    void fill_missing(const std::vector<std::int64_t>& place, std::int64_t images);
    /// Closes the dataset and reads back one image of each layout (shuffled or not, filters left out or not) that was
    /// copied: a layout that has changed cannot go unnoticed.
    void finish();

  private:
    void check(const pipeline::PackedImages& source, const std::vector<std::int64_t>& place) const;
    std::vector<std::uint64_t> offset(const std::vector<std::int64_t>& place, std::int64_t image) const;

    pipeline::Hdf5File& results_;
    std::string name_;
    std::size_t leading_;
    bool is_shuffled_;
    std::optional<pipeline::Hdf5ChunkWriter> dataset_;
    /// An image of a committed file and where it was copied.
    struct Copied {
        std::filesystem::path file;
        std::string name;
        std::int64_t image = 0;
        std::vector<std::int64_t> place;
    };
    std::map<std::pair<bool, std::uint32_t>, Copied> copied_;  ///< The first of each layout.
};

}  // namespace jobs
