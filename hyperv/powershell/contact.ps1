# The first contact with a real Windows: what this machine shows, without any of its values. Dot-sourced by
# Watari.HyperV.psm1; Test-WatariContact is called by people and by `watari worker contact`. Reads only.
#
# A name reaches the file in three ways only: it stands in this module's source, it stands in contact.json, or a type of
# Windows declares it. Whatever a person or a machine could have named is counted and never told.

# Objects of one answer that are looked into: reading a property may itself ask Windows.
$script:ContactObjects = 5

# Kinds of one property that are told.
$script:ContactKinds = 6

# How often a call is repeated where its price is the question.
$script:ContactRepeats = 20

# Get-WindowsFeature: minutes at its first call after a start, seconds later.
$script:ContactFeatureRepeats = 3

# Events that tell how a move went or a VM failed, by provider.
$script:ContactProviders = [ordered]@{
    'Microsoft-Windows-Hyper-V-High-Availability' = '\A2[1-9]\d{3}\z'
    'Microsoft-Windows-Hyper-V-VMMS'              = '\A(1106|2[0-4]\d{3})\z'
    'Microsoft-Windows-Hyper-V-Worker'            = '\A2250[789]\z'
}

function New-ContactNote {
    $text = [System.IO.File]::ReadAllText((Join-Path -Path $PSScriptRoot -ChildPath 'contact.json'))
    $known = ConvertFrom-Json -InputObject $text
    $words = @{}
    foreach ($word in @($known.words)) { $words[[string]$word] = $true }
    foreach ($type in $known.types.PSObject.Properties) {
        $words[$type.Name] = $true
        foreach ($property in $type.Value.PSObject.Properties) { $words[$property.Name] = $true }
    }
    @{
        Operation  = ''
        Words      = $words
        Seen       = @{}
        NotedMs    = 0.0
        Calls      = [ordered]@{}
        Types      = [ordered]@{}
        Operations = [System.Collections.ArrayList]::new()
        Events     = [System.Collections.ArrayList]::new()
        Checks     = [ordered]@{}
    }
}

# Called for every cmdlet while a contact is under way. Odd names: the block sees the variables of its callers.
function Invoke-Noted {
    param([scriptblock]$NotedBlock)
    $notedWatch = [System.Diagnostics.Stopwatch]::StartNew()
    try { $notedOut = @(& $NotedBlock) }
    catch {
        Add-ContactCall $NotedBlock $notedWatch.Elapsed.TotalMilliseconds @() $_
        throw
    }
    Add-ContactCall $NotedBlock $notedWatch.Elapsed.TotalMilliseconds $notedOut $null
    $notedOut
}

function Add-ContactCall {
    param([scriptblock]$Block, [double]$Milliseconds, [object[]]$Out, $Failure)
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    # The source's own text, with the names of its variables and none of their values.
    $text = ($Block.Ast.EndBlock.Extent.Text -replace '\s+', ' ').Trim()
    $key = $script:Contact.Operation + ' ' + $text
    if (-not $script:Contact.Calls.Contains($key)) {
        $script:Contact.Calls[$key] = @{
            Operation = $script:Contact.Operation; Call = $text; Types = [ordered]@{}; Errors = [ordered]@{}
            Times     = [System.Collections.ArrayList]::new(); Rows = [System.Collections.ArrayList]::new()
        }
    }
    $call = $script:Contact.Calls[$key]
    [void]$call.Times.Add($Milliseconds)
    [void]$call.Rows.Add($Out.Count)
    foreach ($one in @($Out | Select-Object -First $script:ContactObjects)) { $call.Types[(Add-ContactShape $one)] = $true }
    if ($null -ne $Failure) {
        $reply = ConvertTo-ErrorReply $Failure
        $call.Errors[$reply.errorId + ' ' + $reply.category] = $reply
    }
    $script:Contact.NotedMs += $watch.Elapsed.TotalMilliseconds
}

# Notes what an object is made of, and answers its kind.
function Add-ContactShape {
    param($Value, [int]$Depth)
    $kind = Get-ContactKind $Value
    if ($null -eq $Value -or $Value -is [string] -or $Value -is [ValueType] -or $Value -is [array]) { return $kind }
    $properties = [ordered]@{}
    $hidden = 0
    # An object whose properties somebody made, or a class made of somebody's properties, declares nothing.
    $loose = $Value.PSObject.BaseObject -is [System.Management.Automation.PSCustomObject] -or $kind -like '*/MSCluster_Property'
    foreach ($property in $Value.PSObject.Properties) {
        $name = [string]$property.Name
        $declared = -not $loose -and [string]$property.MemberType -ne 'NoteProperty'
        if (-not (Test-ContactWord $name $declared)) { $hidden++; continue }
        try { $part = $property.Value } catch { $properties[$name] = 'error'; continue }
        if ($Depth -lt 2 -and (Get-ContactType $part) -like 'root/*') { $properties[$name] = Add-ContactShape $part ($Depth + 1) }
        else { $properties[$name] = Get-ContactKind $part }
    }
    Add-ContactProperty $kind $properties $hidden
    # Private properties of a resource come as rows that hold their names.
    if ($kind -like '*.ClusterParameter') {
        $name = [string](Read-Property $Value 'Name')
        $of = ([string](Get-ContactType (Read-Property $Value 'ClusterObject'))).Split('.')[-1]
        if (Test-ContactWord $name $false) { Add-ContactProperty "$kind of $of" @{ $name = Get-ContactKind (Read-Property $Value 'Value') } 0 }
        else { Add-ContactProperty "$kind of $of" @{} 1 }
    }
    $kind
}

function Add-ContactProperty {
    param([string]$Type, [System.Collections.IDictionary]$Kinds, [int]$Hidden)
    if (-not $script:Contact.Types.Contains($Type)) { $script:Contact.Types[$Type] = @{ Properties = [ordered]@{}; Hidden = 0 } }
    $shape = $script:Contact.Types[$Type]
    $shape.Hidden = [Math]::Max($shape.Hidden, $Hidden)
    foreach ($name in $Kinds.Keys) {
        if (-not $shape.Properties.Contains($name)) { $shape.Properties[$name] = [System.Collections.ArrayList]::new() }
        $noted = $shape.Properties[$name]
        if ($noted.Count -lt $script:ContactKinds -and -not $noted.Contains($Kinds[$name])) { [void]$noted.Add($Kinds[$name]) }
    }
}

function Test-ContactWord {
    param([string]$Name, [bool]$Declared)
    $script:Contact.Words.ContainsKey($Name) -or ($Declared -and $Name -match '\A[A-Za-z_][A-Za-z0-9_]{0,79}\z')
}

# The type of an object; of an object that anybody may have made only one that is known.
function Get-ContactType {
    param($Value)
    if ($null -eq $Value) { return '' }
    $name = [string]$Value.PSObject.TypeNames[0] -replace '\A.*CimInstance#', ''
    if ($name -like '*/MSCluster_Property*') { return 'root/MSCluster/MSCluster_Property' }
    if ($script:Contact.Words.ContainsKey($name)) { return $name }
    if ($Value.PSObject.BaseObject -is [System.Management.Automation.PSCustomObject]) { return 'object' }
    if ($name -match '\Aroot(/\w+)+\z') { return $name }
    # Of a generic type without the assemblies of its parts.
    ([string]$Value.PSObject.BaseObject.GetType().FullName).Split('[')[0]
}

# What kind of value this is, and never the value.
function Get-ContactKind {
    param($Value)
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [string]) {
        if ($Value -ne '') { $script:Contact.Seen[$Value] = $true }
        return Get-ContactTextKind $Value
    }
    if ($Value -is [System.Collections.IEnumerable] -and $Value -isnot [System.Collections.IDictionary]) {
        $first = @($Value | Select-Object -First 1)
        if ($first.Count -eq 0) { return 'empty list' }
        $kind = Get-ContactType $first[0]
        if ($first[0] -is [string]) { $kind = Get-ContactKind $first[0] }
        return "list of $($kind -replace '\ASystem\.', '')"
    }
    (Get-ContactType $Value) -replace '\ASystem\.(?=\w+\z)', ''
}

function Get-ContactTextKind {
    param([string]$Text)
    if ($Text -eq '') { return 'String, empty' }
    $kind = 'String'
    if ($Text -match "$script:GuidPattern") { $kind += $(if ($Text -match "\A\{?$script:GuidPattern\}?\z") { ', guid-like' } else { ', guid inside' }) }
    elseif ($Text -match '\A-?\d+\z') { $kind += ', number' }
    if ($Text -match '\((0x)?[0-9A-Fa-f]{8}\)') { $kind += ', number in parentheses' }
    if ($Text -match '[^\x00-\x7F]') { $kind += ', not ASCII' }
    $kind
}

# Id, category, classes and codes. An id may be the whole text of an error, and a text holds names: it is looked at
# last, when all values are known.
function ConvertTo-ContactError {
    param($Reply)
    if ($null -eq $Reply) { return $null }
    [ordered]@{
        id       = Get-ContactErrorId $Reply.errorId $Reply.message
        category = $Reply.category
        message  = Get-ContactTextKind $Reply.message
        chain    = @(foreach ($one in $Reply.chain) { [ordered]@{ type = Get-ContactClass $one.type; hresult = $one.hresult } })
    }
}

# The full name of a class that was loaded: its parts are identifiers.
function Get-ContactClass {
    param([string]$Name)
    if ($Name -match '\A[A-Za-z_][\w.+]*\z') { return $Name }
    'hidden'
}

# "Id,Class.Of.TheCommand": made by the command's own code, unless its first part is a value that was seen.
function Get-ContactErrorId {
    param([string]$ErrorId, [string]$Message)
    $id, $command = $ErrorId.Split(',', 2)
    $isCommand = [string]$command -match '\A(Microsoft\.[A-Za-z0-9_.]+|[A-Z][a-z]+-[A-Za-z]+)\z'
    $known = $script:Contact.Words.ContainsKey($id) -or $id -match '\A(HRESULT 0x[0-9A-Fa-f]{8}|MiClientApiError_\d+|Windows System Error \d+)\z'
    if (-not $known -and ($id -notmatch '\A[A-Za-z][A-Za-z]{2,79}\z' -or -not $isCommand -or (Test-ContactSeen $id $Message))) { $id = 'hidden' }
    if ($ErrorId -notlike '*,*') { return $id }
    if ($isCommand -and -not ($command -notlike '*.*' -and (Test-ContactSeen $command $Message))) { return "$id,$command" }
    "$id,hidden"
}

function Test-ContactSeen {
    param([string]$Word, [string]$Message)
    if ($Message -match "(?<!\w)$([regex]::Escape($Word))(?!\w)") { return $true }
    foreach ($value in $script:Contact.Seen.Keys) {
        if ($value -eq $Word -or ($value.Length -ge 3 -and $Word -like "*$([System.Management.Automation.WildcardPattern]::Escape($value))*")) { return $true }
        if ($value -match "(?<!\w)$([regex]::Escape($Word))(?!\w)") { return $true }
    }
    $false
}

# Runs one operation of the port as the driver would; its answer is for the next ones.
function Invoke-ContactOperation {
    param([string]$Operation, [hashtable]$Given = @{}, [string]$As = $Operation, [int]$Times = 1)
    $function = $script:Operations[$Operation].Function
    $script:Contact.Operation = $As
    $durations = [System.Collections.ArrayList]::new()
    $failure = $null
    $facts = @()
    for ($i = 0; $i -lt $Times -and $null -eq $failure; $i++) {
        $script:Contact.NotedMs = 0.0
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        try { $facts = @(& $function @Given 3>$null) } catch { $failure = ConvertTo-ErrorReply $_ }
        [void]$durations.Add([Math]::Round([Math]::Max(0, $watch.Elapsed.TotalMilliseconds - $script:Contact.NotedMs), 1))
    }
    [void]$script:Contact.Operations.Add(@{
            operation = $As
            rows      = @($facts | Where-Object { $null -ne $_ }).Count
            ms        = $durations.ToArray()
            error     = $failure
        })
    if ($null -eq $failure) { $facts }
}

# Runs readings beside the port; each of their calls is noted by itself, and one that fails does not stop the rest.
function Invoke-ContactCheck {
    param([string]$Check, [scriptblock[]]$Step)
    $script:Contact.Operation = $Check
    foreach ($one in $Step) {
        # Noted where it happened.
        try { [void](& $one) } catch { $null = $_ }
    }
}

# Every reading operation, each where the answers that it needs are known.
function Invoke-ContactPort {
    param([string]$Path)
    $nobody = [guid]::NewGuid()
    foreach ($operation in 'readBoot', 'readHost', 'readSwitches', 'readMigrationSettings', 'readCluster', 'readNetworks', 'readSharedVolumes', 'readGroups', 'readLinks', 'readMovesAway', 'readStorage', 'readServicing', 'readUpdateJob') {
        [void](Invoke-ContactOperation $operation)
    }
    [void](Invoke-ContactOperation readServices @{ Name = 'vmms', 'ClusSvc' })
    [void](Invoke-ContactOperation readSetup @{ Port = 445, 3343, 5985, 6600 })
    $vms = @(Invoke-ContactOperation readVms)
    $storage = @(Invoke-ContactOperation readVmStorage)
    $nodes = @(Invoke-ContactOperation readNodes)
    $roles = @(Invoke-ContactOperation readRoles @{ Owners = $false } -Times 3)
    [void](Invoke-ContactOperation readRoles @{ Owners = $true } -As 'readRoles, owners')
    Save-Contact $Path
    if ($vms.Count -gt 0) { [void](Invoke-ContactOperation readVm @{ VMId = $vms[0].id } -Times $script:ContactRepeats) }
    if ($roles.Count -gt 0) {
        [void](Invoke-ContactOperation readRole @{ VMId = $roles[0].vmId } -Times $script:ContactRepeats)
        [void](Invoke-ContactOperation readRole @{ VMId = $roles[0].vmId; Owners = $true } -As 'readRole, owners')
    }
    [void](Invoke-ContactOperation readVm @{ VMId = $nobody } -As 'readVm, of nobody')
    [void](Invoke-ContactOperation readRole @{ VMId = $nobody } -As 'readRole, of nobody')
    $files = @($storage | ForEach-Object { $_.disks } | ForEach-Object { $_.path } | Select-Object -First 4)
    [void](Invoke-ContactOperation readDiskFiles @{ Path = $files })
    [void](Invoke-ContactOperation readEvents @{ Since = [datetime]::UtcNow.AddDays(-30); Max = 200 })
    [void](Invoke-ContactOperation readBlackouts @{ Since = [datetime]::UtcNow.AddDays(-30); Max = 200 })
    $peers = @($nodes | ForEach-Object { $_.name } | Where-Object { $_ -ne [Environment]::MachineName })
    # Names and ports alone: a sign-in counts towards the lock of an account.
    [void](Invoke-ContactOperation readPeers @{ Name = $peers; Port = 445, 3343, 5985, 6600; SignIn = $false })
    Save-Contact $Path
    # Last, as the longest: the search asks Microsoft or the WSUS.
    [void](Invoke-ContactOperation readUpdates)
    [void](Invoke-ContactOperation readFeatures @{ Name = 'Hyper-V', 'Failover-Clustering' } -Times $script:ContactFeatureRepeats)
}

# What the port does not ask, and whoever makes its stand-ins wants to know.
function Invoke-ContactCheckVM {
    $vms = @()
    if (Test-HyperV) { $vms = @(Invoke-Recorded { Hyper-V\Get-VM }) }
    $first = @($vms | Select-Object -First 1)
    if ($vms.Count -eq 0) { return }
    Invoke-ContactCheck 'parts of VMs' @(
        { Invoke-Recorded { Hyper-V\Get-VMSecurity -VM $first } }
        { Invoke-Recorded { Hyper-V\Get-VMProcessor -VM $vms } }
        { Invoke-Recorded { Hyper-V\Get-VMAssignableDevice -VM $vms } }
        { Invoke-Recorded { Hyper-V\Get-VMHardDiskDrive -VM $vms } }
        { Invoke-Recorded { Hyper-V\Get-VMDvdDrive -VM $vms } }
        { Invoke-Recorded { Hyper-V\Get-VMNetworkAdapter -VM $vms } }
        { Invoke-Recorded { Hyper-V\Get-VMSecurity -VM $vms } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ComputerSystem } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_SummaryInformation } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_VirtualSystemSettingData } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_SecuritySettingData } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ProcessorSettingData } }
    )
}

function Invoke-ContactCheckCluster {
    Assert-Cluster
    $nobody = [guid]::NewGuid()
    $vms = @(Invoke-Recorded { FailoverClusters\Get-ClusterResource } | Where-Object { Test-ResourceType $_ 'Virtual Machine' })
    $vm = @($vms | Select-Object -First 1)
    Invoke-ContactCheck 'cluster' @(
        { Invoke-Recorded { FailoverClusters\Get-ClusterResourceType -Name 'Virtual Machine' | FailoverClusters\Get-ClusterParameter } }
        { Invoke-Recorded { FailoverClusters\Get-ClusterGroup } }
        { Invoke-Recorded { FailoverClusters\Get-ClusterSharedVolumeState } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/MSCluster -ClassName MSCluster_ResourceGroup } }
        # What is not there: how it is said.
        { Invoke-Recorded { FailoverClusters\Get-ClusterResource -VMId $nobody } }
        { Invoke-Recorded { FailoverClusters\Get-ClusterGroup -VMId $nobody } }
        { Invoke-Recorded { FailoverClusters\Get-ClusterNode -Name 'watari-nobody' } }
    )
    if ($vm.Count -eq 0) { return }
    Invoke-ContactCheck 'private properties' @(
        { Invoke-Recorded { $vm | FailoverClusters\Get-ClusterParameter } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query "SELECT * FROM MSCluster_Resource WHERE Type='Virtual Machine'" } }
    )
    $resource = $vm[0]
    for ($i = 0; $i -lt $script:ContactRepeats; $i++) {
        Invoke-ContactCheck 'prices' @(
            { Invoke-Recorded { FailoverClusters\Get-ClusterResource } }
            { Invoke-Recorded { $resource | FailoverClusters\Get-ClusterParameter -Name VmID } }
            { Invoke-Recorded { $resource | FailoverClusters\Get-ClusterOwnerNode } }
            { Invoke-Recorded { $resource.OwnerGroup } }
            { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query "SELECT * FROM MSCluster_Resource WHERE Type='Virtual Machine'" } }
        )
    }
}

# Names of an event's fields, out of its template; the template belongs to Windows.
function Read-ContactTemplate {
    param([string]$Template)
    [regex]::Matches($Template, '<data\s+name="(\w{1,80})"\s+inType="([\w:]{1,40})"') | ForEach-Object {
        $_.Groups[1].Value + ' ' + $_.Groups[2].Value
    }
}

function Invoke-ContactCheckMachine {
    $nobody = [guid]::NewGuid()
    Invoke-ContactCheck 'machine' @(
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard -ClassName Win32_DeviceGuard } }
        { Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_MigrationJob } }
        { Invoke-Recorded { Hyper-V\Get-VM -Id $nobody } }
        { Invoke-Recorded { Hyper-V\Get-VMHostSupportedVersion } }
    )
    $began = @($script:BootProcesses -split ' OR ' | ForEach-Object {
            $filter = $_
            Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Process -Filter $filter } | Select-Object -First 1 |
                ForEach-Object { Get-ContactKind $_.CreationDate }
        })
    # The kernel's process, and the one that stands in for it.
    $script:Contact.Checks['beginOfBoot'] = $began
    if ($env:SystemRoot) { $script:Contact.Checks['vcruntime140'] = [System.IO.File]::Exists("$env:SystemRoot\System32\vcruntime140.dll") }
    foreach ($provider in $script:ContactProviders.Keys) {
        $script:Contact.Operation = 'event templates'
        try { $events = @(Invoke-Recorded { Microsoft.PowerShell.Diagnostics\Get-WinEvent -ListProvider $provider } | ForEach-Object { $_.Events }) }
        catch { continue }
        foreach ($one in $events | Where-Object { [string]$_.Id -match $script:ContactProviders[$provider] }) {
            [void]$script:Contact.Events.Add([ordered]@{
                    provider = $provider
                    id       = [long]$one.Id
                    fields   = @(Read-ContactTemplate ([string]$one.Template))
                })
        }
    }
}

function Get-ContactReport {
    param([bool]$Whole)
    $calls = foreach ($call in $script:Contact.Calls.Values) {
        $times = @($call.Times | Sort-Object)
        [ordered]@{
            operation = $call.Operation
            call      = $call.Call
            times     = $times.Count
            rows      = [int]$call.Rows[$call.Rows.Count - 1]
            ms        = [ordered]@{
                first  = [Math]::Round($call.Times[0], 1)
                least  = [Math]::Round($times[0], 1)
                median = [Math]::Round($times[[Math]::Floor($times.Count / 2)], 1)
                most   = [Math]::Round($times[-1], 1)
            }
            types     = @($call.Types.Keys)
            errors    = @($call.Errors.Values | ForEach-Object { ConvertTo-ContactError $_ })
        }
    }
    $types = [ordered]@{}
    foreach ($name in $script:Contact.Types.Keys) {
        $shape = $script:Contact.Types[$name]
        $properties = [ordered]@{}
        foreach ($property in $shape.Properties.Keys) { $properties[$property] = $shape.Properties[$property].ToArray() }
        $types[$name] = [ordered]@{ properties = $properties; hidden = [int]$shape.Hidden }
    }
    $shell = Get-WatariShell
    [pscustomobject][ordered]@{
        format     = 1
        whole      = $Whole
        powershell = [ordered]@{ version = $shell.version; edition = $shell.edition; language = $shell.language; is64Bit = $shell.is64Bit; culture = $shell.culture }
        build      = [int][Environment]::OSVersion.Version.Build
        operations = @(foreach ($one in $script:Contact.Operations) {
                [ordered]@{ operation = $one.operation; answered = $null -eq $one.error; rows = $one.rows; ms = $one.ms; error = ConvertTo-ContactError $one.error }
            })
        calls      = @($calls)
        types      = $types
        events     = $script:Contact.Events.ToArray()
        checks     = $script:Contact.Checks
    }
}

# After every part: whatever hangs later, this much is there.
function Save-Contact {
    param([string]$Path, [bool]$Whole)
    if (-not $Path) { return }
    $json = ConvertTo-Json -InputObject (Get-ContactReport $Whole) -Depth 8
    [System.IO.File]::WriteAllText($Path, $json)
}

function Test-WatariContact {
    <#
    .SYNOPSIS
    Reads everything that watari reads on this node, and tells what it is made of and how long it took, without any value.
    .DESCRIPTION
    Types, names of properties, kinds of values, ids and codes of errors, durations. No name, no address, no other value of
    this machine: the file can be given to others. Changes nothing and signs in nowhere. Takes minutes, most of them for
    Get-WindowsFeature and for the search of Windows Update, which asks Microsoft or the WSUS of this machine; what is
    known meanwhile is in the file already.
    .PARAMETER Path
    The file to write, JSON. Without it the answer is an object.
    .EXAMPLE
    Test-WatariContact -Path .\contact.json
    #>
    [CmdletBinding()]
    param([string]$Path)
    # As the driver does: a property that is not there is an error.
    Set-StrictMode -Version 2.0
    $file = ''
    if ($Path) { $file = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path) }
    $script:Contact = New-ContactNote
    try {
        foreach ($check in 'Invoke-ContactCheckMachine', 'Invoke-ContactCheckCluster', 'Invoke-ContactCheckVM') {
            $script:Contact.Operation = 'first look'
            try { & $check } catch { $null = $_ }
            Save-Contact $file
        }
        Invoke-ContactPort $file
        Save-Contact $file $true
        if (-not $file) { return Get-ContactReport $true }
        [pscustomobject][ordered]@{ operations = $script:Contact.Operations.Count; calls = $script:Contact.Calls.Count; types = $script:Contact.Types.Count }
    }
    finally { $script:Contact = $null }
}
