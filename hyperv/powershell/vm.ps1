# The Hyper-V of this node: switches, migration settings, virtual machines. Dot-sourced by Watari.HyperV.psm1.

# Msvm_ComputerSystem.OperationalStatus: creating, applying, deleting a checkpoint; merging disks, exporting, backing up,
# changed by somebody, moving storage. 32771 waits to start and 32774 migrates: a move is told by its role.
$script:BusyStatus = @(32768, 32769, 32770, 32772, 32773, 32776, 32777, 32778, 32779)

$script:VMStates = @('Off', 'Starting', 'Running', 'Saving', 'Saved', 'Paused', 'Stopping')

function Get-WatariSwitch {
    <#
    .SYNOPSIS
    Lists the virtual switches of this node.
    .EXAMPLE
    Get-WatariSwitch
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    Invoke-Recorded { Hyper-V\Get-VMSwitch } | ForEach-Object {
        [pscustomobject][ordered]@{ name = [string]$_.Name; type = [string]$_.SwitchType }
    }
}

function Get-WatariMigrationSetting {
    <#
    .SYNOPSIS
    Tells how this node takes part in live migrations.
    .EXAMPLE
    Get-WatariMigrationSetting
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    $settings = Invoke-Recorded { Hyper-V\Get-VMHost }
    [pscustomobject][ordered]@{
        enabled                  = [bool]$settings.VirtualMachineMigrationEnabled
        maximumMigrations        = [int]$settings.MaximumVirtualMachineMigrations
        maximumStorageMigrations = [int]$settings.MaximumStorageMigrations
        performance              = [string]$settings.VirtualMachineMigrationPerformanceOption
        authentication           = [string]$settings.VirtualMachineMigrationAuthenticationType
        useAnyNetwork            = [bool]$settings.UseAnyNetworkForMigration
    }
}

function Set-WatariMigrationSetting {
    <#
    .SYNOPSIS
    Sets how this node takes part in live migrations; what is not given stays.
    .PARAMETER Enabled
    Whether the node migrates at all.
    .PARAMETER MaximumMigrations
    Live migrations at once. On a cluster node the cluster's MaximumParallelMigrations wins.
    .PARAMETER MaximumStorageMigrations
    Storage migrations at once.
    .PARAMETER Performance
    TCPIP, Compression or SMB.
    .EXAMPLE
    Set-WatariMigrationSetting -Enabled $true -Performance Compression
    #>
    [CmdletBinding()]
    param(
        [bool]$Enabled,
        [ValidateRange(1, 1000)][int]$MaximumMigrations,
        [ValidateRange(1, 1000)][int]$MaximumStorageMigrations,
        [ValidateSet('TCPIP', 'Compression', 'SMB')][string]$Performance
    )
    $given = $PSBoundParameters
    Invoke-InTurn -Of Set-WatariMigrationSetting -Work {
        $before = Get-WatariMigrationSetting
        $changed = $false
        if ($given.ContainsKey('Enabled') -and $before.enabled -ne $Enabled) {
            if ($Enabled) { Invoke-Recorded { Hyper-V\Enable-VMMigration -Confirm:$false } }
            else { Invoke-Recorded { Hyper-V\Disable-VMMigration -Confirm:$false } }
            $changed = $true
        }
        $set = @{}
        if ($given.ContainsKey('MaximumMigrations') -and $before.maximumMigrations -ne $MaximumMigrations) {
            $set['MaximumVirtualMachineMigrations'] = $MaximumMigrations
        }
        if ($given.ContainsKey('MaximumStorageMigrations') -and $before.maximumStorageMigrations -ne $MaximumStorageMigrations) {
            $set['MaximumStorageMigrations'] = $MaximumStorageMigrations
        }
        if ($given.ContainsKey('Performance') -and $before.performance -ne $Performance) {
            $set['VirtualMachineMigrationPerformanceOption'] = $Performance
        }
        if ($set.Count -gt 0) {
            Invoke-Recorded { Hyper-V\Set-VMHost @set -Confirm:$false }
            $changed = $true
        }
        [pscustomobject][ordered]@{ changed = $changed; settings = Get-WatariMigrationSetting }
    }
}

# By VM id, what a cmdlet tells about many VMs in one call: on a real host a call for each VM costs a second and more.
function Group-ByVM {
    param($Parts)
    $byVM = @{}
    foreach ($part in $Parts) {
        $id = [string]$part.VMId
        if (-not $byVM.ContainsKey($id)) { $byVM[$id] = [System.Collections.ArrayList]::new() }
        [void]$byVM[$id].Add($part)
    }
    $byVM
}

function ConvertTo-Heartbeat {
    param([string]$Status)
    if ($Status -like 'Ok*') { return 'Ok' }
    if ('NoContact', 'LostCommunication', 'Error' -contains $Status) { return 'NoContact' }
    'Unknown'
}

function Test-Busy {
    param($System)
    foreach ($status in @(Read-Property $System 'OperationalStatus')) {
        if ($null -ne $status -and $script:BusyStatus -contains [int]$status) { return $true }
    }
    $false
}

# The facts of some VMs, given as Get-VM wrote them.
function ConvertTo-VMFact {
    param([object[]]$VM)
    if ($VM.Count -eq 0) { return }
    $processors = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMProcessor -VM $VM })
    $adapters = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMNetworkAdapter -VM $VM })
    $disks = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMHardDiskDrive -VM $VM })
    $dvds = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMDvdDrive -VM $VM })
    $devices = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMAssignableDevice -VM $VM })
    $security = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMSecurity -VM $VM })
    $systems = @{}
    Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ComputerSystem } |
        ForEach-Object { $systems[[string]$_.Name] = $_ }
    foreach ($one in $VM) {
        $id = [string]$one.Id
        $state = [string]$one.State
        if ($script:VMStates -notcontains $state) { $state = 'Other' }
        $compatible = @($processors[$id] | Where-Object { $null -ne $_ -and $_.CompatibilityForMigrationEnabled })
        $tpm = @($security[$id] | Where-Object { $null -ne $_ -and $_.TpmEnabled })
        [pscustomobject][ordered]@{
            id                        = $id
            name                      = [string]$one.Name
            state                     = $state
            version                   = [string]$one.Version
            generation                = [int]$one.Generation
            memoryStartupBytes        = [long]$one.MemoryStartup
            memoryAssignedBytes       = [long]$one.MemoryAssigned
            uptimeSeconds             = [long][Math]::Floor(([timespan]$one.Uptime).TotalSeconds)
            heartbeat                 = ConvertTo-Heartbeat ([string](Read-Property $one 'Heartbeat'))
            switches                  = @($adapters[$id] | Where-Object { $null -ne $_ } | ForEach-Object {
                    if ([string]$_.SwitchName) { [string]$_.SwitchName } else { $null }
                })
            disks                     = @($disks[$id] | Where-Object { $null -ne $_ -and $_.Path } | ForEach-Object { [string]$_.Path })
            dvds                      = @($dvds[$id] | Where-Object { $null -ne $_ -and $_.Path } | ForEach-Object { [string]$_.Path })
            compatibilityForMigration = $compatible.Count -gt 0
            passThroughDevices        = @($devices[$id] | Where-Object { $null -ne $_ } | ForEach-Object {
                    [string](Read-Property $_ 'LocationPath')
                })
            tpm                       = $tpm.Count -gt 0
            busy                      = Test-Busy $systems[$id]
            clustered                 = [bool]$one.IsClustered
            notes                     = [string]$one.Notes
        }
    }
}

function Get-WatariVM {
    <#
    .SYNOPSIS
    Lists the virtual machines that this node holds now.
    .EXAMPLE
    Get-WatariVM | Where-Object state -eq Running
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    Invoke-Consistently {
        $all = @(Invoke-Recorded { Hyper-V\Get-VM } | Sort-Object -Property Name)
        ConvertTo-VMFact $all
    }
}

# Looking into a disk opens its file. Chains that are not read by then are told as far as they are known.
$script:DiskChainsMs = 30000

# By path, the parent of a virtual disk: '' for one that has none. Whole levels at a time. What is not there, is in use
# elsewhere or is no virtual disk (a whole disk of the host has a path too) is not in the answer.
function Read-DiskParent {
    param([string[]]$Path)
    $parents = @{}
    $level = @($Path | Where-Object { $_ -match '\.(a?vhdx?|vhds)\z' } | Sort-Object -Unique)
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    while ($level.Count -gt 0 -and $watch.ElapsedMilliseconds -lt $script:DiskChainsMs) {
        $next = Invoke-Recorded { Hyper-V\Get-VHD -Path $level -ErrorAction Continue } 2>&1 |
            Where-Object { $_ -isnot [System.Management.Automation.ErrorRecord] } | ForEach-Object {
                $parent = [string](Read-Property $_ 'ParentPath')
                $parents[[string]$_.Path] = $parent
                $parent
            }
        $level = @($next | Where-Object { $_ -and -not $parents.ContainsKey($_) } | Sort-Object -Unique)
    }
    $parents
}

function Get-WatariVMStorage {
    <#
    .SYNOPSIS
    Lists the files of the virtual machines that this node holds: configuration, paging file, disks with their parents.
    .EXAMPLE
    Get-WatariVMStorage | Select-Object name, configurationPath, { $_.disks.path }
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    Invoke-Consistently {
        $all = @(Invoke-Recorded { Hyper-V\Get-VM } | Sort-Object -Property Name)
        if ($all.Count -eq 0) { return }
        $disks = Group-ByVM @(Invoke-Recorded { Hyper-V\Get-VMHardDiskDrive -VM $all } | Where-Object { $_.Path })
        $parents = Read-DiskParent @($disks.Values | ForEach-Object { $_ } | ForEach-Object { [string]$_.Path })
        foreach ($one in $all) {
            [pscustomobject][ordered]@{
                vmId              = [string]$one.Id
                name              = [string]$one.Name
                configurationPath = [string]$one.ConfigurationLocation
                smartPagingPath   = [string]$one.SmartPagingFilePath
                snapshotPath      = [string]$one.SnapshotFileLocation
                disks             = @($disks[[string]$one.Id] | Where-Object { $null -ne $_ } | ForEach-Object {
                        $path = [string]$_.Path
                        $chain = [System.Collections.ArrayList]::new()
                        $parent = [string]$parents[$path]
                        while ($parent -and $chain -notcontains $parent) {
                            [void]$chain.Add($parent)
                            $parent = [string]$parents[$parent]
                        }
                        [pscustomobject][ordered]@{
                            path    = $path
                            parents = $chain.ToArray()
                            # A VHD set is shared too, and moves with its VM.
                            shared  = [bool](Read-Property $_ 'SupportPersistentReservations') -and $path -notlike '*.vhds'
                        }
                    })
            }
        }
    }
}

# A VM of this node by its id; $null when it is elsewhere. Listing knows no wildcards and no "not found".
function Find-VM {
    param([guid]$VMId)
    @(Invoke-Recorded { Hyper-V\Get-VM } | Where-Object { [guid]$_.Id -eq $VMId })[0]
}

# What a VM must be that is to be made; domain/new-vm.ts has the same rules, and a test holds the two together. Its name
# is a folder too.
function Assert-NewVM {
    param([string]$Name, [long]$MemoryBytes, [string]$Vhd, [int]$Generation)
    $file = $Vhd.Replace('/', '\') -replace '^\\\\\?\\UNC\\', '\\' -replace '^\\\\\?\\(?=[a-z]:\\)'
    $shared = '^[a-z]:\\ClusterStorage\\[^\\]+\\.|^\\\\(?![?.]\\|localhost\\|127\.)[^\\]+\\[^\\]+\\.'
    $wrong = @(
        if ($Name -match '[\\/:*?"<>|]|^\s|[\s.]\z') { "'$Name' cannot be the name of a folder" }
        if ($Name -match '^(con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$) *(\.|\z)') {
            "'$Name' is a device name of Windows"
        }
        if ($MemoryBytes % 2MB -ne 0) { "$MemoryBytes bytes of memory are no multiple of 2 MB" }
        if ($Generation -eq 1 -and $MemoryBytes -gt 1TB) { 'A VM of generation 1 takes at most 1 TB of memory' }
        if (($file -replace '^[a-z]:') -match '[:*?"<>|]' -or $file.Split('\') -contains '..') { "'$Vhd' is not a path of Windows" }
        elseif ($file -notmatch $(if ($Generation -eq 1) { '\.vhdx?\z' } else { '\.vhdx\z' })) { "'$Vhd' is no .vhdx" }
        elseif ($file -notmatch $shared) { "'$Vhd' is on a disk of one node" }
    )
    if ($wrong.Count -gt 0) {
        throw (New-ModuleError -Id 'BadRequest' -Category InvalidArgument -Target $Name -Message "$($wrong[0]).")
    }
}

# The VM of this node that has the disk, itself or below a checkpoint of it; $null when none has. A disk that runs on
# another node is open there, which shows as a sharing violation of its own.
function Find-DiskUser {
    param([string]$Vhd)
    $all = @(Invoke-Recorded { Hyper-V\Get-VM })
    if ($all.Count -eq 0) { return }
    $drives = @(Invoke-Recorded { Hyper-V\Get-VMHardDiskDrive -VM $all } | Where-Object { $_.Path })
    $parents = Read-DiskParent @($drives | Where-Object { $_.Path -match '\.avhdx?\z' } | ForEach-Object { [string]$_.Path })
    foreach ($drive in $drives) {
        $path = [string]$drive.Path
        while ($path -and $path -ne $Vhd) { $path = [string]$parents[$path] }
        if ($path) { return @($all | Where-Object { [guid]$_.Id -eq [guid]$drive.VMId })[0] }
    }
}

function New-WatariVM {
    <#
    .SYNOPSIS
    Finds a VM of this node by name, or creates it, switched off, with an existing disk.
    .PARAMETER RequestId
    Marks the VM as made for this request: watari:<id> in its Notes.
    .PARAMETER Name
    Name of the VM; case does not count.
    .PARAMETER MemoryBytes
    Startup memory.
    .PARAMETER Vhd
    The existing virtual disk, on a cluster shared volume.
    .PARAMETER SwitchName
    The virtual switch of its adapter; none leaves the adapter unconnected.
    .PARAMETER Generation
    1 or 2.
    .PARAMETER Path
    Folder for the configuration, on a cluster shared volume.
    .EXAMPLE
    New-WatariVM -RequestId by-hand -Name web-1 -MemoryBytes 10GB -Vhd C:\ClusterStorage\Volume1\web-1.vhdx -SwitchName LAN -Generation 2 -Path C:\ClusterStorage\Volume1
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string]$RequestId,
        [Parameter(Mandatory = $true)][ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string]$Name,
        [Parameter(Mandatory = $true)][ValidateRange(33554432, 281474976710656)][long]$MemoryBytes,
        [Parameter(Mandatory = $true)][ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string]$Vhd,
        [AllowNull()][AllowEmptyString()][Alias('switch')][string]$SwitchName,
        [Parameter(Mandatory = $true)][ValidateSet(1, 2)][int]$Generation,
        [Parameter(Mandatory = $true)][ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string]$Path
    )
    Assert-HyperV
    Invoke-InTurn -Of New-WatariVM -Work {
        $same = @(Invoke-Recorded { Hyper-V\Get-VM } | Where-Object { [string]$_.Name -eq $Name })
        if ($same.Count -gt 1) {
            throw (New-ModuleError -Id 'AmbiguousVm' -Target $Name -Message (
                    "$([Environment]::MachineName) has $($same.Count) VMs called '$Name'."))
        }
        if ($same.Count -eq 1) { return [pscustomobject][ordered]@{ changed = $false; vm = ConvertTo-VMFact $same } }
        Assert-NewVM -Name $Name -MemoryBytes $MemoryBytes -Vhd $Vhd -Generation $Generation
        if (-not (Test-DiskFile $Vhd)) {
            throw (New-ModuleError -Id 'DiskMissing' -Category ObjectNotFound -Target $Vhd -Message (
                    "$([Environment]::MachineName) finds no file '$Vhd'."))
        }
        # New-VM does not say that it refuses the disk of a VM that is off or saved, whose state a second VM would ruin.
        $user = Find-DiskUser $Vhd
        if ($null -ne $user) {
            throw (New-ModuleError -Id 'DiskInUse' -Category ResourceBusy -Target $Vhd -Message (
                    "'$Vhd' is the disk of '$($user.Name)', which is $($user.State) on $([Environment]::MachineName)."))
        }
        $make = @{
            Name = $Name; MemoryStartupBytes = $MemoryBytes; Generation = [int16]$Generation; VHDPath = $Vhd; Path = $Path
        }
        if ($SwitchName) {
            $switch = @(Invoke-Recorded { Hyper-V\Get-VMSwitch } | Where-Object { [string]$_.Name -eq $SwitchName })
            if ($switch.Count -eq 0) {
                throw (New-ModuleError -Id 'SwitchMissing' -Category ObjectNotFound -Target $SwitchName -Message (
                        "$([Environment]::MachineName) has no virtual switch '$SwitchName'."))
            }
            $make['SwitchName'] = [string]$switch[0].Name
        }
        $made = Invoke-Recorded { Hyper-V\New-VM @make -Confirm:$false }
        $notes = "watari:$RequestId"
        Invoke-Recorded { Hyper-V\Set-VM -VM $made -Notes $notes -Confirm:$false }
        $now = Find-VM $made.Id
        [pscustomobject][ordered]@{ changed = $true; vm = ConvertTo-VMFact @($now) }
    }
}

# The mark is a word of its own: others write into the notes too, and one id may begin with another.
function Test-Mark {
    param([string]$Notes, [string]$RequestId)
    $mark = [regex]::Escape("watari:$RequestId")
    $Notes -cmatch "(?<![\p{L}\p{N}_:-])$mark(?![\p{L}\p{N}_-]|[./:@][\p{L}\p{N}_])"
}

function Remove-WatariVM {
    <#
    .SYNOPSIS
    Removes the configuration of a VM that New-WatariVM made for this request. Never a disk.
    .DESCRIPTION
    Refuses a VM of another origin, one that is a role of the cluster, and one that is neither off nor saved. A VM that
    this node does not hold is no error.
    .PARAMETER VMId
    Id of the VM.
    .PARAMETER RequestId
    The request that it was made for.
    .EXAMPLE
    Remove-WatariVM -VMId 2b0c2e5d-5d7c-4b61-9c0a-3d6f0d8f7a11 -RequestId by-hand
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId, [Parameter(Mandatory = $true)][string]$RequestId)
    Assert-HyperV
    Invoke-InTurn -Of Remove-WatariVM -Work {
        $found = Find-VM $VMId
        if ($null -eq $found) { return [pscustomobject]@{ changed = $false } }
        $name = [string]$found.Name
        if (-not (Test-Mark ([string]$found.Notes) $RequestId)) {
            throw (New-ModuleError -Id 'VmNotOurs' -Target $name -Message "'$name' was not created by the run $RequestId.")
        }
        if ($found.IsClustered) {
            throw (New-ModuleError -Id 'VmClustered' -Target $name -Message "'$name' is a role of the cluster.")
        }
        if ('Off', 'Saved' -notcontains [string]$found.State) {
            throw (New-ModuleError -Id 'VmNotOff' -Target $name -Message "'$name' is $($found.State).")
        }
        Invoke-Recorded { Hyper-V\Remove-VM -VM $found -Force -Confirm:$false }
        [pscustomobject]@{ changed = $true }
    }
}
