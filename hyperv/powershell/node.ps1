# This machine: facts, services, features, restart, disk files, event logs. Dot-sourced by Watari.HyperV.psm1.

# Their existence is how Component Based Servicing and Windows Update say that a restart is owed.
$script:RestartOwedKeys = @(
    'SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
    'SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
)

# Where the cause of a failed move is written. The System log is read for the cluster service's entries alone. Of the
# operational log event 1106 counts at any level: the only one that says why an account could not be mapped.
$script:EventLogs = @(
    @{ LogName = 'Microsoft-Windows-Hyper-V-VMMS-Admin' }
    @{ LogName = 'Microsoft-Windows-Hyper-V-VMMS-Operational' }
    @{ LogName = 'Microsoft-Windows-Hyper-V-VMMS-Operational'; Id = 1106; Level = 0, 4, 5 }
    @{ LogName = 'Microsoft-Windows-Hyper-V-High-Availability-Admin' }
    @{ LogName = 'Microsoft-Windows-FailoverClustering/Operational' }
    @{ LogName = 'System'; ProviderName = 'Microsoft-Windows-FailoverClustering' }
)

# A live migration that succeeded, and one whose VM stood still for unexpectedly long.
$script:BlackoutFilter = @{ LogName = 'Microsoft-Windows-Hyper-V-VMMS-Admin'; Id = 20415, 20417 }

# Processes that live as long as a boot: the kernel's own, and beside it one that Windows cannot lose either.
$script:BootProcesses = "ProcessId=4 OR Name='wininit.exe'"

# ERROR_SHUTDOWN_IN_PROGRESS, ERROR_SHUTDOWN_IS_SCHEDULED
$script:RestartUnderWay = @(1115, 1190)

# WBEM_E_PRIVILEGE_NOT_HELD, ERROR_PRIVILEGE_NOT_HELD
$script:PrivilegeNotHeld = @('0x80041062', '0x80070522')

function Test-RestartOwed {
    foreach ($key in $script:RestartOwedKeys) {
        # 2147483650 is HKEY_LOCAL_MACHINE.
        $answer = Invoke-Recorded {
            CimCmdlets\Invoke-CimMethod -Namespace root/cimv2 -ClassName StdRegProv -MethodName EnumKey -Arguments @{ hDefKey = [uint32]2147483650; sSubKeyName = $key }
        }
        if ([long]$answer.ReturnValue -eq 0) { return $true }
    }
    $false
}

# Which boot this is: when the kernel's process began, noted once by the kernel and untouched when the clock is set
# (PsGetProcessCreateTimeQuadPart). LastBootUpTime moves with the clock; BootId of the prefetcher stands still where
# that is off; events of a start go with their log, and 6005 also comes when only the log's service restarts.
function Get-BootId {
    $filter = $script:BootProcesses
    $began = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Process -Filter $filter -Property ProcessId, CreationDate } |
            Where-Object { $null -ne $_.CreationDate } | Sort-Object -Property ProcessId)
    if ($began.Count -eq 0) { return '' }
    $time = ([datetime]$began[0].CreationDate).ToUniversalTime()
    'kernel-start:' + $time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", $script:Invariant)
}

# What a restart would cut off, in words; empty: nothing. A VM's worker process runs on when vmms does not.
function Get-RunningVMText {
    if (Test-HyperV) {
        $running = @(Invoke-Recorded { Hyper-V\Get-VM } |
                Where-Object { 'Off', 'Saved', 'FastSaved' -notcontains ([string]$_.State -replace 'Critical\z', '') })
        return (@($running | ForEach-Object { [string]$_.Name }) -join ', ')
    }
    $workers = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Process -Filter "Name='vmwp.exe'" -Property ProcessId })
    if ($workers.Count -gt 0) { return "$($workers.Count) VMs (vmwp.exe)" }
    ''
}

function Get-WatariHost {
    <#
    .SYNOPSIS
    Tells about this machine: Windows, boot time, memory, processors, VM versions, whether a restart is owed.
    .EXAMPLE
    Get-WatariHost
    #>
    [CmdletBinding()]
    param()
    $system = Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem }
    $processors = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Processor -Property Manufacturer, Name, NumberOfLogicalProcessors })
    $versions = @()
    if (Test-HyperV) {
        $versions = @(Invoke-Recorded { Hyper-V\Get-VMHostSupportedVersion } | ForEach-Object { [string]$_.Version })
    }
    $threads = 0
    foreach ($processor in $processors) { $threads += [int]$processor.NumberOfLogicalProcessors }
    [pscustomobject][ordered]@{
        node              = [string]$system.CSName
        now               = ConvertTo-IsoTime $system.LocalDateTime
        osVersion         = [string]$system.Version
        boot              = [string](Get-BootId)
        bootTime          = ConvertTo-IsoTime $system.LastBootUpTime
        memoryBytes       = [long]$system.TotalVisibleMemorySize * 1024
        freeMemoryBytes   = [long]$system.FreePhysicalMemory * 1024
        cpuVendor         = [string]$processors[0].Manufacturer
        cpuName           = ([string]$processors[0].Name).Trim()
        logicalProcessors = $threads
        vmVersions        = $versions
        pendingRestart    = [bool](Test-RestartOwed)
    }
}

function Get-WatariBoot {
    <#
    .SYNOPSIS
    Tells which boot of this machine this is, and when it began by the clock of now.
    .DESCRIPTION
    The text `boot` stays the same until the next boot, whatever the clock does; the time moves with the clock.
    .EXAMPLE
    Get-WatariBoot
    #>
    [CmdletBinding()]
    param()
    $system = Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem -Property LastBootUpTime }
    [pscustomobject][ordered]@{
        boot     = [string](Get-BootId)
        bootTime = ConvertTo-IsoTime $system.LastBootUpTime
    }
}

function Get-WatariService {
    <#
    .SYNOPSIS
    Tells the state of services; one that is not installed is Missing.
    .PARAMETER Name
    Service names, not display names.
    .EXAMPLE
    Get-WatariService -Name vmms, ClusSvc
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('names')][string[]]$Name)
    $states = Get-ServiceState $Name
    foreach ($service in $Name) {
        $state = switch ($states[$service]) {
            $null { 'Missing' }
            'Running' { 'Running' }
            'Start Pending' { 'Starting' }
            'Continue Pending' { 'Starting' }
            'Stop Pending' { 'Stopping' }
            default { 'Stopped' }
        }
        [pscustomobject][ordered]@{ name = $service; state = [string]$state }
    }
}

function Get-WatariFeature {
    <#
    .SYNOPSIS
    Tells the state of Windows features: Installed, InstallPending or UninstallPending (a restart is owed), Available or
    Removed.
    .DESCRIPTION
    Takes a second or two, and minutes when nobody has asked since the machine started.
    .PARAMETER Name
    Feature names as Get-WindowsFeature writes them, no wildcards.
    .EXAMPLE
    Get-WatariFeature -Name Hyper-V, Failover-Clustering
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('names')]
        [ValidatePattern('\A[A-Za-z0-9._-]{1,100}\z')][string[]]$Name
    )
    if ($Name.Count -eq 0) { return }
    # Two at once would take twice as long.
    $found = @(Invoke-InTurn -Of Get-WatariFeature -Work {
            Invoke-Recorded { ServerManager\Get-WindowsFeature -Name $Name }
        })
    foreach ($wanted in $Name) {
        $feature = @($found | Where-Object { [string]$_.Name -eq $wanted })
        if ($feature.Count -eq 0) {
            throw (New-ModuleError -Id 'BadRequest' -Category ObjectNotFound -Target $wanted -Message (
                    "Windows on $([Environment]::MachineName) knows no feature called '$wanted'."))
        }
        $installed = [string]$feature[0].InstallState
        $state = switch ($installed) {
            'InstallPending' { 'InstallPending' }
            'UninstallPending' { 'UninstallPending' }
            'Removed' { 'Removed' }
            'Installed' { 'Installed' }
            default { 'Available' }
        }
        # Some builds say Installed at once. The service comes with the restart.
        if ($state -eq 'Installed' -and $wanted -eq 'Hyper-V' -and -not (Get-ServiceState 'vmms').ContainsKey('vmms')) {
            $state = 'InstallPending'
        }
        [pscustomobject][ordered]@{ name = [string]$feature[0].Name; state = [string]$state }
    }
}

function Install-WatariFeature {
    <#
    .SYNOPSIS
    Installs Windows features with their management tools, if they are not installed. Never restarts.
    .PARAMETER Name
    Feature names as Get-WindowsFeature writes them, no wildcards.
    .EXAMPLE
    Install-WatariFeature -Name Hyper-V, Failover-Clustering
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][Alias('names')]
        [ValidatePattern('\A[A-Za-z0-9._-]{1,100}\z')][string[]]$Name
    )
    Invoke-InTurn -Of Install-WatariFeature -Work {
        $missing = @(Get-WatariFeature -Name $Name | Where-Object { 'Available', 'Removed' -contains $_.state } |
                ForEach-Object { $_.name })
        $changed = $false
        $restartNeeded = $false
        if ($missing.Count -gt 0) {
            $done = Invoke-Recorded {
                ServerManager\Install-WindowsFeature -Name $missing -IncludeManagementTools -Confirm:$false
            }
            if (-not $done.Success) {
                throw (New-ModuleError -Id 'FeatureInstallFailed' -Message (
                        "Windows did not install $($missing -join ', '): exit code $($done.ExitCode)."))
            }
            # Servicing waits for an installation under way and may find everything done by it.
            $changed = [string]$done.ExitCode -ne 'NoChangeNeeded'
            # Maybe: Windows itself does not know. What it has written down for the next boot tells.
            $restartNeeded = switch ([string]$done.RestartNeeded) {
                'Yes' { $true }
                'Maybe' { [bool](Test-RestartOwed) }
                default { $false }
            }
        }
        $pending = @(Get-WatariFeature -Name $Name | Where-Object { 'InstallPending', 'UninstallPending' -contains $_.state })
        [pscustomobject][ordered]@{
            changed       = $changed
            restartNeeded = $restartNeeded -or $pending.Count -gt 0
        }
    }
}

function Restart-WatariNode {
    <#
    .SYNOPSIS
    Asks Windows to restart this machine in a few seconds, if it has not restarted since the given boot and no VM runs.
    .DESCRIPTION
    Applications are closed by force. Drain the node first: Suspend-ClusterNode -Drain.
    .PARAMETER IfBoot
    The boot that Get-WatariBoot told. Another one means that the restart has happened already.
    .PARAMETER Reason
    Text for the System log.
    .EXAMPLE
    Restart-WatariNode -IfBoot (Get-WatariBoot).boot -Reason 'Updates'
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][AllowEmptyString()][string]$IfBoot, [AllowEmptyString()][string]$Reason = '')
    Invoke-InTurn -Of Restart-WatariNode -Work {
        $computer = [Environment]::MachineName
        $boot = [string](Get-BootId)
        if ($boot -eq '') {
            throw (New-ModuleError -Id 'RestartRefused' -Message (
                    "Windows on $computer does not tell when its processes began, so a restart could never be proven."))
        }
        $changed = $false
        if ($boot -ceq $IfBoot) {
            $running = Get-RunningVMText
            if ($running -ne '') {
                throw (New-ModuleError -Id 'NodeNotDrained' -Message "$computer is not restarted: $running runs there.")
            }
            $changed = Request-Restart $Reason
        }
        [pscustomobject][ordered]@{ changed = $changed; boot = $boot }
    }
}

# True: Windows will restart; false: it is about to already.
function Request-Restart {
    param([string]$Reason)
    $system = Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem }
    # Restart and force; planned, maintenance of an application. Some seconds, so that the answer gets out.
    $plan = @{ Timeout = [uint32]5; Comment = $Reason; ReasonCode = [uint32]2147745793; Flags = [int]6 }
    try {
        $answer = Invoke-Recorded {
            CimCmdlets\Invoke-CimMethod -InputObject $system -MethodName Win32ShutdownTracker -Arguments $plan -Confirm:$false
        }
        $code = [long]$answer.ReturnValue
    }
    catch {
        if ($script:PrivilegeNotHeld -notcontains (Read-CimCode $_)) { throw }
        $code = 1314
    }
    # WMI leaves a privilege of a local caller as it is, and this one is off in a token until somebody turns it on.
    if ($code -eq 1314) {
        $answer = Invoke-Recorded { Watari.Probe\Restart-Machine -Reason $Reason }
        $code = [long]$answer.ExitCode
    }
    if ($code -ne 0 -and $script:RestartUnderWay -notcontains $code) {
        throw (New-ModuleError -Id 'RestartRefused' -HResult (ConvertTo-HResult (2147942400 -bor $code)) -Message (
                "Windows refuses to restart $($system.CSName): code $code."))
    }
    $code -eq 0
}

# Test-Path fails, or answers false, where it may not look; WMI looks as the system does.
function Test-DiskFile {
    param([string]$Path)
    $there = $false
    try { $there = Invoke-Recorded { Microsoft.PowerShell.Management\Test-Path -LiteralPath $Path -PathType Leaf } }
    catch { $there = $false }
    if ($there) { return $true }
    $filter = "Name='{0}'" -f $Path.Replace('\', '\\').Replace("'", "\'")
    @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName CIM_DataFile -Filter $filter }).Count -gt 0
}

function Test-WatariDiskFile {
    <#
    .SYNOPSIS
    Tells for each path whether a file is there.
    .PARAMETER Path
    Literal paths as this node sees them.
    .EXAMPLE
    Test-WatariDiskFile -Path 'C:\ClusterStorage\Volume1\web-1.vhdx'
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('paths')][string[]]$Path)
    foreach ($file in $Path) {
        [pscustomobject][ordered]@{ path = $file; exists = [bool](Test-DiskFile $file) }
    }
}

$script:GuidPattern = '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}'
$script:GenericFailure = '0x80004005'

# What an event says to a program: codes, ids, and the texts in its data, one of which may name a resource. Its message
# is in the language of Windows, but the digits in it are not.
function Read-EventData {
    param($Record)
    $values = @($Record.Properties | ForEach-Object { [string](Read-Property $_ 'Value') })
    $vm = $null
    $codes = [System.Collections.ArrayList]::new()
    for ($i = 0; $i -lt $values.Count; $i++) {
        $isName = $i + 1 -lt $values.Count -and $values[$i + 1] -match "\A\{?$script:GuidPattern\}?\z"
        # VMMS writes the VM's name in front of its id. The name may look like anything, a code too.
        if ($isName -and $null -eq $vm -and [string]$Record.LogName -like 'Microsoft-Windows-Hyper-V-VMMS-*') { $vm = $values[$i] }
        if (-not $isName) { foreach ($code in @(Read-FailureCode $values[$i])) { [void]$codes.Add($code) } }
    }
    if ($codes.Count -eq 0) { foreach ($code in @(Read-FailureCode ([string]$Record.Message))) { [void]$codes.Add($code) } }
    $telling = @($codes | Where-Object { $_ -ne $script:GenericFailure }) + @($codes)
    $ids = [regex]::Matches(($values -join ' ') + ' ' + [string]$Record.Message, $script:GuidPattern) |
        ForEach-Object { $_.Value.ToLowerInvariant() }
    @{ hresult = if ($telling.Count -gt 0) { $telling[0] } else { $null }; vm = $vm; ids = @($ids); values = $values }
}

# Failures in a text, as 0x80071398, as %%2147946392 (how event data refers to it), as a number, as (0x000013AB) or, in
# the facilities that are written so, as 80070534.
function Read-FailureCode {
    param($Value)
    $text = [string]$Value
    if ($text -match '\A(?:%%)?(-?\d{9,10})\z') {
        $number = [long]$Matches[1]
        if ($number -lt 0) { $number = $number -band 4294967295 }
        # The upper half are failures.
        if ($number -ge 2147483648 -and $number -le 4294967295) { ConvertTo-HResult $number }
        return
    }
    $codes = '(?<![0-9A-Za-z])(?:0x(?<code>[89A-F][0-9A-F]{7})|(?<code>800[479][0-9A-F]{4})|(?<=\()0x(?<code>0000(?!0000)[0-9A-F]{4})(?=\)))(?![0-9A-Za-z-])'
    [regex]::Matches($text, $codes, 'IgnoreCase') | ForEach-Object { '0x' + $_.Groups['code'].Value.ToUpperInvariant() }
}

# The VM of a resource or role by its name, which is in the language of Windows or somebody's own: only the cluster
# knows.
function Find-VMOfResource {
    param([string[]]$Name)
    $owners = @{}
    if ($Name.Count -eq 0 -or (Get-ServiceState 'ClusSvc')['ClusSvc'] -ne 'Running') { return $owners }
    $resources = @(Invoke-Recorded { FailoverClusters\Get-ClusterResource } | Where-Object {
            (Test-ResourceType $_ 'Virtual Machine') -or (Test-ResourceType $_ 'Virtual Machine Configuration')
        } | ForEach-Object { @{ resource = $_; name = [string]$_.Name; group = Get-NameOf $_.OwnerGroup } })
    $groups = @($resources | Where-Object { $Name -contains $_.name -or $Name -contains $_.group } | ForEach-Object { $_.group })
    foreach ($one in $resources) {
        if ($groups -notcontains $one.group -or -not (Test-ResourceType $one.resource 'Virtual Machine')) { continue }
        $id = Invoke-Recorded { $one.resource | FailoverClusters\Get-ClusterParameter -Name VmID }
        $owner = @{ vm = $one.group; id = ([string]$id.Value).ToLowerInvariant() }
        foreach ($part in $resources) {
            if ($part.group -eq $one.group) { $owners[$part.name] = $owner; $owners[$part.group] = $owner }
        }
    }
    $owners
}

# The newest entries that fit the filter.
function Read-EventLog {
    param([hashtable]$Filter, [int]$Max)
    try { Invoke-Recorded { Microsoft.PowerShell.Diagnostics\Get-WinEvent -FilterHashtable $Filter -MaxEvents $Max } }
    catch {
        # Nothing since then, or a log of a role that is not installed.
        if ([string]$_.FullyQualifiedErrorId -notlike 'NoMatching*') { throw }
    }
}

function Get-WatariBlackout {
    <#
    .SYNOPSIS
    Tells how long VMs stood still at the end of live migrations, as this node's log has it, oldest first.
    .PARAMETER Since
    Nothing older than this, by the clock of this node.
    .PARAMETER Max
    The newest so many.
    .EXAMPLE
    Get-WatariBlackout -Since (Get-Date).AddHours(-1) -Max 50
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][datetime]$Since,
        [Parameter(Mandatory = $true)][ValidateRange(1, 100000)][int]$Max
    )
    $records = @(Read-EventLog -Filter (@{ StartTime = $Since } + $script:BlackoutFilter) -Max $Max)
    foreach ($record in $records | Sort-Object -Property RecordId) {
        # The VM's name, its id, and seconds with one decimal, as text.
        $values = @($record.Properties | ForEach-Object { [string](Read-Property $_ 'Value') })
        if ($values.Count -lt 3 -or $values[1] -notmatch "\A\{?($script:GuidPattern)\}?\z") { continue }
        $id = $Matches[1].ToLowerInvariant()
        if ($values[2] -notmatch '\A\d{1,9}(?:[.,]\d{1,9})?\z') { continue }
        [pscustomobject][ordered]@{
            vmId     = $id
            seconds  = [double]$values[2].Replace(',', '.')
            recordId = [long]$record.RecordId
            time     = ConvertTo-IsoTime $record.TimeCreated
        }
    }
}

function Get-WatariEvent {
    <#
    .SYNOPSIS
    Reads warnings and errors of the Hyper-V and cluster logs of this node, oldest first.
    .PARAMETER Since
    Nothing older than this.
    .PARAMETER Max
    The newest so many.
    .EXAMPLE
    Get-WatariEvent -Since (Get-Date).AddHours(-1) -Max 50
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][datetime]$Since,
        [Parameter(Mandatory = $true)][ValidateRange(1, 100000)][int]$Max
    )
    $records = [System.Collections.ArrayList]::new()
    foreach ($log in $script:EventLogs) {
        # One log per call: a log that is not there would fail them all.
        $filter = @{ StartTime = $Since } + $log
        if (-not $log.ContainsKey('Level')) { $filter['Level'] = 1, 2, 3 }
        Read-EventLog -Filter $filter -Max $Max | ForEach-Object { [void]$records.Add($_) }
    }
    $found = @($records | Sort-Object -Property TimeCreated, RecordId | Select-Object -Last $Max | ForEach-Object {
            @{ record = $_; data = Read-EventData $_ }
        })
    $owners = @{}
    $named = @($found | Where-Object { $null -eq $_.data.vm } | ForEach-Object { $_.data.values } | Where-Object { $_ } | Select-Object -Unique)
    # An entry whose VM is not known is an entry all the same.
    try { $owners = Find-VMOfResource $named } catch { $owners = @{} }
    foreach ($one in $found) {
        $record = $one.record
        $vm = $one.data.vm
        $ids = $one.data.ids
        $of = @()
        if ($null -eq $vm) { $of = @($one.data.values | Where-Object { $_ -and $owners.ContainsKey($_) } | ForEach-Object { $owners[$_] }) }
        $names = @($of | ForEach-Object { $_.vm } | Select-Object -Unique)
        if ($names.Count -eq 1) { $vm = $names[0] }
        [pscustomobject][ordered]@{
            log      = [string]$record.LogName
            id       = [int]$record.Id
            level    = [int]$record.Level
            recordId = [long]$record.RecordId
            # In a workgroup too it may come with a DNS suffix.
            node     = ([string]$record.MachineName).Split('.')[0]
            time     = ConvertTo-IsoTime $record.TimeCreated
            message  = [string]$record.Message
            hresult  = $one.data.hresult
            vm       = $vm
            vmIds    = @(@($ids) + @($of | ForEach-Object { $_.id }) | Where-Object { $_ } | Select-Object -Unique)
        }
    }
}
