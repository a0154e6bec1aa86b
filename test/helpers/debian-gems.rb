# debian-gems.rb NAME...: makes a .gem of each of these installed gems and all they need, as Debian
# has them, in vendor/cache.
require 'bundler'
require 'fileutils'
require 'rubygems/package'
require 'tmpdir'

FileUtils.mkdir_p('vendor/cache')
cache = File.expand_path('vendor/cache')
Gem::DefaultUserInteraction.ui = Gem::SilentUI.new

# Some gems of Debian are directories and some lie among the files of all; what was compiled is
# elsewhere.
def copy_files(spec, to)
  FileUtils.cp_r("#{spec.full_gem_path}/.", to) if Dir.exist?(spec.full_gem_path)
  Dir.glob('**/*.so', base: spec.extension_dir) { |name| copy("#{spec.extension_dir}/#{name}", "#{to}/lib/#{name}") }
  return if spec.default_gem?
  package = `dpkg -S #{spec.loaded_from}`[/^[^:]+/]
  `dpkg -L #{package}`.lines(chomp: true).grep(%r{/vendor_ruby/}).each do |file|
    copy(file, "#{to}/lib/#{file.sub(%r{.*/vendor_ruby/(3\.\d\.0/)?}, '')}") if File.file?(file)
  end
end

def copy(file, to)
  FileUtils.mkdir_p(File.dirname(to))
  FileUtils.cp(file, to)
end

# The program of Bootsnap, which Debian leaves out, is this line.
def programs(spec)
  copy('/dev/null', "#{spec.bindir}/bootsnap") && File.write("#{spec.bindir}/bootsnap", <<~RUBY) if spec.name == 'bootsnap'
    require "bootsnap/cli"
    exit Bootsnap::CLI.new(ARGV).run
  RUBY
  spec.executables = spec.executables.select { |name| File.file?("#{spec.bindir}/#{name}") }
end

def build(spec)
  programs(spec)
  spec.extensions = []
  spec.files = Dir.glob('**/*', File::FNM_DOTMATCH).select { |name| File.file?(name) }
  spec.test_files = spec.extra_rdoc_files = []
  Gem::Package.build(spec, true)
end

names = ARGV
until (name = names.shift).nil?
  spec = Gem::Specification.find_by_name(name)
  next if File.exist?("#{cache}/#{spec.file_name}")
  names.concat(spec.runtime_dependencies.map(&:name))
  Dir.mktmpdir do |directory|
    copy_files(spec, directory)
    Dir.chdir(directory) { FileUtils.cp(build(spec.dup), "#{cache}/#{spec.file_name}") }
  end
end
