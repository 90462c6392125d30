using Microsoft.Build.Framework;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Atoll.Realms.Weaver;

/// <summary>
/// The build task that runs after the compiler. It rewrites the properties of model classes so that they read and write
/// the realm once their object is stored. A failed run leaves the assembly as it was.
/// </summary>
public sealed class WeaveModels : Microsoft.Build.Utilities.Task
{
    [Required]
    public string Assembly { get; set; } = "";

    [Required]
    public ITaskItem[] References { get; set; } = [];

    public override bool Execute()
    {
        try
        {
            Weave();
        }
        catch (Exception error)
        {
            Log.LogErrorFromException(error, true);
        }

        return !Log.HasLoggedErrors;
    }

    private void Weave()
    {
        using var resolver = new ReferenceResolver(References.Select(item => item.ItemSpec));
        var symbols = Path.ChangeExtension(Assembly, ".pdb");
        var hasSymbols = File.Exists(symbols);
        using var assembly = AssemblyDefinition.ReadAssembly(
            new MemoryStream(File.ReadAllBytes(Assembly)),
            new ReaderParameters
            {
                AssemblyResolver = resolver,
                ReadSymbols = hasSymbols,
                SymbolStream = hasSymbols ? new MemoryStream(File.ReadAllBytes(symbols)) : null,
                SymbolReaderProvider = hasSymbols ? new PortablePdbReaderProvider() : null,
            });
        var module = assembly.MainModule;
        var reference = module.AssemblyReferences.FirstOrDefault(item => item.Name == Library.AssemblyName);
        if (reference is null || assembly.CustomAttributes.Any(item => item.AttributeType.FullName == Library.WovenAssembly))
        {
            return;
        }

        var library = new Library(module, resolver.Resolve(reference).MainModule);
        var count = module.GetTypes().Where(library.IsModel).ToArray().Sum(type => WeaveType(type, library));
        assembly.CustomAttributes.Add(library.NewAttribute(Library.WovenAssembly));
        if (Log.HasLoggedErrors)
        {
            return;
        }

        Write(assembly, symbols, hasSymbols);
        Log.LogMessage(MessageImportance.Low, $"Atoll: {count} model properties woven in {Path.GetFileName(Assembly)}.");
    }

    private void Write(AssemblyDefinition assembly, string symbols, bool hasSymbols)
    {
        using var image = new MemoryStream();
        using var symbolImage = new MemoryStream();
        assembly.Write(image, new WriterParameters
        {
            WriteSymbols = hasSymbols,
            SymbolStream = hasSymbols ? symbolImage : null,
            SymbolWriterProvider = hasSymbols ? new PortablePdbWriterProvider() : null,
            DeterministicMvid = true,
        });
        File.WriteAllBytes(Assembly, image.ToArray());
        if (hasSymbols)
        {
            File.WriteAllBytes(symbols, symbolImage.ToArray());
        }
    }

    private int WeaveType(TypeDefinition type, Library library)
    {
        var weaver = new PropertyWeaver(type, library);
        var index = 0;
        foreach (var property in type.Properties.Where(PropertyWeaver.IsStored).ToArray())
        {
            try
            {
                weaver.Weave(property, index);
                index++;
            }
            catch (UnsupportedPropertyException error)
            {
                var at = (property.GetMethod.DebugInformation?.SequencePoints)?.FirstOrDefault();
                Log.LogError(null, "RLM024", null, at?.Document.Url, at?.StartLine ?? 0, at?.StartColumn ?? 0, 0, 0, error.Message);
            }
        }

        type.CustomAttributes.Add(library.NewAttribute(Library.Woven));
        return index;
    }

    /// <summary>Finds assemblies among the references of the project only.</summary>
    private sealed class ReferenceResolver : BaseAssemblyResolver
    {
        private readonly Dictionary<string, string> _paths;
        private readonly Dictionary<string, AssemblyDefinition> _loaded = new(StringComparer.Ordinal);

        public ReferenceResolver(IEnumerable<string> paths)
            => _paths = paths.GroupBy(path => Path.GetFileNameWithoutExtension(path))
                .ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);

        public override AssemblyDefinition Resolve(AssemblyNameReference name)
        {
            if (!_loaded.TryGetValue(name.Name, out var assembly))
            {
                assembly = _paths.TryGetValue(name.Name, out var path)
                    ? AssemblyDefinition.ReadAssembly(path, new ReaderParameters { AssemblyResolver = this })
                    : throw new AssemblyResolutionException(name);
                _loaded.Add(name.Name, assembly);
            }

            return assembly;
        }

        public override AssemblyDefinition Resolve(AssemblyNameReference name, ReaderParameters parameters) => Resolve(name);

        protected override void Dispose(bool disposing)
        {
            foreach (var assembly in _loaded.Values)
            {
                assembly.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
