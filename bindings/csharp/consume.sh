#!/bin/sh
# Packs the binding and uses the package as an app outside the tree does: $1 is the build folder. One test.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_ROLL_FORWARD=Major
unset LD_LIBRARY_PATH AtollOutput AtollBuildDir
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! "$here/package.sh" "$build" >"$folder/log" 2>&1; then
    cat "$folder/log"
    echo "0 passed, 1 failed"
    exit 1
fi
cat >"$folder/App.csproj" <<EOF
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <RestoreSources>$build/packages</RestoreSources>
    <RestorePackagesPath>$folder/restored</RestorePackagesPath>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Atoll.Realms" Version="0.1.0" />
  </ItemGroup>
</Project>
EOF
cp "$here/tests/FodyWeavers.xml" "$folder"
cat >"$folder/Program.cs" <<'EOF'
using System;
using System.Linq;
using MongoDB.Bson;
using Realms;

var config = new RealmConfiguration(args[0]);
using (var realm = Realm.GetInstance(config))
{
    realm.Write(() =>
    {
        realm.Add(new Item { Name = "a" });
        realm.Add(new Old { Name = "b", Link = new Item { Count = 3 } });
    });
    Console.WriteLine($"{realm.All<Item>().Count(i => i.Name == "a")} {realm.All<Old>().First().Link!.Count}");
}

Realm.DeleteRealm(config);

public partial class Item : IRealmObject
{
    [PrimaryKey]
    public ObjectId Id { get; private set; } = ObjectId.GenerateNewId();

    public string Name { get; set; } = "x";

    public int Count { get; set; }
}

public class Old : RealmObject
{
    public string? Name { get; set; }

    public Item? Link { get; set; }
}
EOF
if dotnet build "$folder" -v quiet >"$folder/log" 2>&1 &&
    found=$(dotnet "$folder/bin/Debug/net10.0/App.dll" "$folder/data/app.realm" 2>"$folder/errors") && [ "$found" = "1 3" ]; then
    echo "1 passed, 0 failed"
else
    cat "$folder/log" "$folder/errors" 2>/dev/null || true
    echo "found: ${found:-nothing}, expected: 1 3"
    echo "0 passed, 1 failed"
    exit 1
fi
