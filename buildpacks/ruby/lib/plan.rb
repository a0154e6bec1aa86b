# Prints what the Gemfile and its lock file say: in a first line the Ruby versions that are asked
# for, ", " between them, then "good" if this one will do, then the files that decide, TABs between,
# and then the names of all gems of the lock file, one a line. What is wrong with the files is said
# on standard error.
require 'bundler'

begin
  definition = Bundler::Definition.build(Pathname('Gemfile').expand_path, Pathname('Gemfile.lock').expand_path, nil)
  ruby = definition.ruby_version
  asked = ruby ? ruby.versions : []
  good = Gem::Requirement.new(asked).satisfied_by?(Gem::Version.new(RUBY_VERSION))
  files = definition.gemfiles.map { |file| file.expand_path.relative_path_from(Pathname.pwd) }
  puts asked.join(', '), good ? 'good' : 'other', files.join("\t")
  puts definition.locked_gems ? definition.locked_gems.specs.map(&:name).uniq.sort : []
rescue Bundler::BundlerError, Gem::Requirement::BadRequirementError => e
  warn e.message
  exit 1
end
