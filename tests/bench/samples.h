// Real mail for the benchmarks: reads the files and folders named on the command line.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace blowback::bench {

struct Sample {
  std::string path;
  std::string bytes;
};

/// Adds a file, or all files below a folder in the order of their names. A file that can't be read is reported and left out.
inline void add_samples(const std::filesystem::path& path, std::vector<Sample>& samples) {
  namespace fs = std::filesystem;
  if (fs::is_directory(path)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) add_samples(file, samples);
    return;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    fmt::print(stderr, "{}: can't be read\n", path.string());
    return;
  }
  samples.push_back({path.string(), std::string(std::istreambuf_iterator<char>(in), {})});
}

}  // namespace blowback::bench
