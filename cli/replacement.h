// A file that nobody sees half written: it has another name until it is whole and on the disk.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <sys/types.h>

namespace blowback::cli {

class Replacement {
 public:
  /// In the folder of `path`, so that it can be renamed. It keeps the mode of the file that it replaces, and its owner, where
  /// root runs this; a new one has mode `usual`. `file()` is null where that failed; errno says why.
  Replacement(const std::string& path, mode_t usual);
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();

  [[nodiscard]] std::FILE* file() const { return file_.get(); }
  /// False: what stood there before still does; errno says why.
  [[nodiscard]] bool commit();

 private:
  std::string path_;
  std::string temporary_;
  bool made_ = false;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
};

}  // namespace blowback::cli
