#include "host/cli/interpreter.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "host/base/executable.h"
#include "host/cli/python_choice.h"

// The head of the file that this code is in, by the linker.
extern "C" __attribute__((visibility("hidden"))) const ElfW(Ehdr) __ehdr_start;

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kApi = "Py_InitializeFromConfig";

// A file's bytes, mapped; none when it cannot be read.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    struct stat found;
    if (fstat(file, &found) == 0 && found.st_size > 0) {
      size_ = static_cast<std::size_t>(found.st_size);
      data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    }
    close(file);
  }
  ~MappedFile() {
    if (data_ != MAP_FAILED) munmap(data_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // `count` things of that type from there on; null when the file ends before.
  template <typename T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    if (data_ == MAP_FAILED || offset > size_ || count > (size_ - offset) / sizeof(T)) {
      return nullptr;
    }
    if (offset % alignof(T) != 0) return nullptr;
    return reinterpret_cast<const T*>(static_cast<const char*>(data_) + offset);
  }

 private:
  void* data_ = MAP_FAILED;
  std::size_t size_ = 0;
};

// One function of each library that libnode is linked to. A program that shows its own copy of one
// (some builds have them inside) would stand in for it.
constexpr const char* kOfNode[] = {"SSL_CTX_new",   "deflate",         "sqlite3_open_v2",
                                   "uv_loop_init",  "ares_init",       "BrotliDecoderDecompress",
                                   "ZSTD_compress", "nghttp2_version", "llhttp_init"};

// The program that the kernel starts for this one: the dynamic loader.
std::string loader() {
  std::string path;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_INTERP) continue;
          *static_cast<std::string*>(result) =
              reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
        }
        return 1;  // the first one is the program
      },
      &path);
  return path;
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < text.size();) {
    arguments.emplace_back(text.c_str() + at);
    at += arguments.back().size() + 1;
  }
  return arguments;
}

}  // namespace

bool contains_python(const std::string& path) {
  const MappedFile file(path);
  const auto* head = file.at<ElfW(Ehdr)>(0);
  if (head == nullptr || std::memcmp(head->e_ident, __ehdr_start.e_ident, EI_DATA + 1) != 0 ||
      head->e_machine != __ehdr_start.e_machine || head->e_shentsize != sizeof(ElfW(Shdr))) {
    return false;
  }
  const auto* sections = file.at<ElfW(Shdr)>(head->e_shoff, head->e_shnum);
  if (sections == nullptr) return false;
  bool found = false;
  for (const auto* section = sections; section != sections + head->e_shnum; ++section) {
    if (section->sh_type == SHT_DYNAMIC) {
      const std::uint64_t count = section->sh_size / sizeof(ElfW(Dyn));
      const auto* entries = file.at<ElfW(Dyn)>(section->sh_offset, count);
      for (std::uint64_t i = 0; entries != nullptr && i < count; ++i) {
        if (entries[i].d_tag == DT_RPATH) return false;
      }
    }
    if (section->sh_type != SHT_DYNSYM || section->sh_link >= head->e_shnum) continue;
    const auto& strings = sections[section->sh_link];
    const auto* names = file.at<char>(strings.sh_offset, strings.sh_size);
    const std::uint64_t count = section->sh_size / sizeof(ElfW(Sym));
    const auto* symbols = file.at<ElfW(Sym)>(section->sh_offset, count);
    if (names == nullptr || symbols == nullptr || strings.sh_size == 0) return false;
    if (names[strings.sh_size - 1] != '\0') return false;
    for (const auto* symbol = symbols; symbol != symbols + count; ++symbol) {
      if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= strings.sh_size) continue;
      const char* name = names + symbol->st_name;
      found = found || std::strcmp(name, kApi) == 0;
      for (const char* theirs : kOfNode) {
        if (std::strcmp(name, theirs) == 0) return false;
      }
    }
  }
  return found;
}

bool inside_interpreter() {
  static const bool inside = dlsym(RTLD_DEFAULT, kApi) != nullptr;
  return inside;
}

void continue_in_interpreter(std::string_view directory) {
  if (inside_interpreter() || std::getenv("DUET_LIBPYTHON") != nullptr ||
      getauxval(AT_SECURE) != 0) {
    return;
  }
  const std::string library = module_directory() + "/libduet.so";
  // The loader takes a list, and has no word for a separator in a name.
  if (library.find_first_of(": ") != std::string::npos || access(library.c_str(), R_OK) != 0) {
    return;
  }
  auto python = choose_python(directory);
  if (!python) return;  // who opens it says why
  std::error_code error;
  const fs::path program = fs::canonical(python->executable, error);
  const std::string start = loader();
  std::vector<std::string> arguments = own_arguments();
  if (error || start.empty() || arguments.empty() || !contains_python(program.string())) return;
  // Beside the loader is the libc that belongs to it. What is given here replaces the variable.
  std::string folders = fs::path(start).parent_path().string();
  if (const char* more = std::getenv("LD_LIBRARY_PATH"); more != nullptr && *more != '\0') {
    folders += std::string(":") + more;
  }
  std::vector<std::string> words{start,   "--argv0",        arguments[0], "--preload",
                                 library, "--library-path", folders,      program.string()};
  words.insert(words.end(), arguments.begin() + 1, arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execv(start.c_str(), pointers.data());
}

}  // namespace duet::cli
