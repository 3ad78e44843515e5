// Replaces a file at once: readers see the former content or the new one, never a part of it.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <sys/types.h>

namespace blowback::cli {

class Replacement {
 public:
  /// Creates a temporary file in the folder of `path`. It gets the mode of the file that it replaces, or `usual` if there is none,
  /// and, if root runs this, also its owner. If that fails, `file()` is null and errno has the reason.
  Replacement(const std::string& path, mode_t usual);
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();

  [[nodiscard]] std::FILE* file() const { return file_.get(); }
  /// Flushes the file to the disk and renames it. False: the former file is unchanged, and errno has the reason.
  [[nodiscard]] bool commit();

 private:
  std::string path_;
  std::string temporary_;
  bool made_ = false;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
};

}  // namespace blowback::cli
