// Asking the file system in words that an operator can act on.
#include "database_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

namespace blowback::schema {
namespace {

using Code = StoreError::Code;

[[nodiscard]] std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

[[nodiscard]] StoreError system_failed(const std::string& what, int error, std::string_view mend) {
  const bool full = error == ENOSPC || error == EDQUOT;
  const bool forbidden = error == EACCES || error == EPERM || error == EROFS;
  return {full        ? Code::full
          : forbidden ? Code::read_only
                      : Code::other,
          what + ": " + std::generic_category().message(error) + "; " + std::string(mend)};
}

[[nodiscard]] const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFIFO:
      return "FIFO";
    case S_IFSOCK:
      return "socket";
    default:
      return "device";
  }
}

/// What is missing: the file, its folder, or what a link leads to.
[[nodiscard]] Result<bool> nothing_at(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_symlink(path, ignored)) {
    return std::unexpected(StoreError{
        Code::missing,
        path + ": is a symbolic link to " + std::filesystem::read_symlink(path, ignored).string() +
            ", where nothing is; mount what holds it or put the database back, or remove the link to begin anew"});
  }
  if (const auto folder = folder_of(path); !std::filesystem::is_directory(folder, ignored)) {
    return std::unexpected(StoreError{Code::missing, path + ": its folder doesn't exist; make it (`mkdir -p " + folder +
                                                         "`) or set `database` elsewhere"});
  }
  return false;
}

}  // namespace

std::optional<FileId> file_id(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return std::nullopt;
  return FileId{.device = file.st_dev, .inode = file.st_ino};
}

Result<bool> stands_at(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) {
    if (errno == ENOENT) return nothing_at(path);
    return std::unexpected(
        system_failed(path, errno, "check `database` in the config, and that this user may read that folder"));
  }
  if (!S_ISREG(file.st_mode)) {
    return std::unexpected(StoreError{Code::corrupt, path + ": is a " + kind_of(file.st_mode) +
                                                         ", not a database; put the database back in its place, or set "
                                                         "`database` to another file"});
  }
  if (file.st_size == 0) {
    return std::unexpected(StoreError{
        Code::corrupt, path +
                           ": is an empty file, and a database never is: what it held is lost; restore the last backup "
                           "in its place, or remove it (with its -wal and -shm) to begin anew"});
  }
  return true;
}

bool begins_as_ours(const std::string& path) {
  // https://sqlite.org/fileformat2.html §1.3: the magic string, and at offset 68 the application id.
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::size_t kIdOffset = 68;
  constexpr std::string_view kId = "BLOW";
  std::array<char, 100> header{};
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = pread(fd, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size());
  close(fd);
  const std::string_view read(header.data(), header.size());
  return whole && read.starts_with(kMagic) && read.substr(kIdOffset, kId.size()) == kId;
}

std::string resolved(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(path, failed);
  return failed ? path : real.string();
}

Result<void> make_private_file(const std::string& path) {
  constexpr mode_t kOwnerAndGroup = 0640;
  constexpr std::string_view kMend = "let this user write that folder";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerAndGroup);
  if (fd < 0) return std::unexpected(system_failed(path, errno, kMend));
  struct stat folder{};
  const bool given =
      geteuid() != 0 || (stat(folder_of(path).c_str(), &folder) == 0 && fchown(fd, folder.st_uid, folder.st_gid) == 0);
  const int error = errno;
  close(fd);
  if (given) return {};
  unlink(path.c_str());
  return std::unexpected(
      system_failed(path, error, "it can't be given to the folder's owner: run this as the user of blowback-ingest"));
}

Making::Making(const std::string& path) : path_(path), part_(path + ".new-" + std::to_string(gettid())) {}

Making::~Making() {
  for (const auto* const suffix : {"", "-journal"}) unlink((part_ + suffix).c_str());
}

Result<void> Making::begin() {
  unlink(part_.c_str());  // of a process that was killed and had the same number
  return make_private_file(part_);
}

Result<bool> Making::put_in_place() {
  // Unlike a rename it never replaces what another process has made meanwhile.
  bool placed = link(part_.c_str(), path_.c_str()) == 0;
  if (!placed && errno == EEXIST) return false;
  // Not every file system has links.
  if (!placed) placed = rename(part_.c_str(), path_.c_str()) == 0;
  if (!placed) return std::unexpected(system_failed(path_, errno, "let this user write that folder"));
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return true;
  fsync(folder);
  close(folder);
  return true;
}

}  // namespace blowback::schema
