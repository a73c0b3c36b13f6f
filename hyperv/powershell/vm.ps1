# The Hyper-V of this node: switches, migration settings, making and removing virtual machines. Dot-sourced by
# Watari.HyperV.psm1.

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

# A VM of this node by its id; $null when it is elsewhere. Get-VM fails for an id that is not here.
function Find-VM {
    param([guid]$VMId)
    if (@(Read-VMState ([string]$VMId).ToUpperInvariant()).Count -eq 0) { return $null }
    Invoke-Recorded { Hyper-V\Get-VM -Id $VMId }
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
        $same = @(Read-VMState | Where-Object { $_.name -eq $Name })
        if ($same.Count -gt 1) {
            throw (New-ModuleError -Id 'AmbiguousVm' -Target $Name -Message (
                    "$([Environment]::MachineName) has $($same.Count) VMs called '$Name'."))
        }
        if ($same.Count -eq 1) {
            $found = Invoke-Consistently { Read-VMFact $same[0].id }
            return [pscustomobject][ordered]@{ changed = $false; vm = $found }
        }
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
        try { Invoke-Recorded { Hyper-V\Set-VM -VM $made -Notes $notes -Confirm:$false } }
        catch {
            # Nobody would know later whose it is.
            Invoke-Recorded { Hyper-V\Remove-VM -VM $made -Force -Confirm:$false }
            throw
        }
        # It is there now, whatever the first look says.
        $now = Invoke-Consistently { Read-VMFact ([string]$made.Id) }
        [pscustomobject][ordered]@{ changed = $true; vm = $now }
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
        # The VM's own IsClustered outlives a destroyed cluster, and may be missing after an import.
        if ((Get-ServiceState 'ClusSvc').ContainsKey('ClusSvc') -and $null -ne (Find-Role -VMId $VMId)) {
            throw (New-ModuleError -Id 'VmClustered' -Target $name -Message "'$name' is a role of the cluster.")
        }
        if ('Off', 'Saved' -notcontains [string]$found.State) {
            throw (New-ModuleError -Id 'VmNotOff' -Target $name -Message "'$name' is $($found.State).")
        }
        Invoke-Recorded { Hyper-V\Remove-VM -VM $found -Force -Confirm:$false }
        [pscustomobject]@{ changed = $true }
    }
}
