#include "replacement.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <sys/stat.h>

namespace blowback::cli {

Replacement::Replacement(const std::string& path, mode_t usual) : path_(path), temporary_(path + ".XXXXXX") {
  const int descriptor = ::mkostemp(temporary_.data(), O_CLOEXEC);
  if (descriptor < 0) return;
  made_ = true;
  struct stat before{};
  const bool exists = ::stat(path.c_str(), &before) == 0;
  const bool keeps_owner = !exists || ::geteuid() != 0 || ::fchown(descriptor, before.st_uid, before.st_gid) == 0;
  if (keeps_owner && ::fchmod(descriptor, exists ? before.st_mode & 0777U : usual) == 0) {
    file_.reset(::fdopen(descriptor, "w"));
  }
  if (!file_) ::close(descriptor);
}

Replacement::~Replacement() {
  if (made_) ::unlink(temporary_.c_str());
}

bool Replacement::commit() {
  if (std::ferror(file_.get()) != 0 || std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0)
    return false;
  if (std::fclose(file_.release()) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) return false;
  made_ = false;
  return true;
}

}  // namespace blowback::cli
